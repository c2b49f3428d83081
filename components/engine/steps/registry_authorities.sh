# The engine trusts the site's certificate authority for each registry that has one of its own.
# rows: C1 C2
# inputs: folder registries
# bulk: one key per registry

check() {
    local registry
    for registry in $(input registries); do
        if ! bulk "$registry" | same_file "$(_file "$registry")"; then
            untrue "$(_file "$registry") is not what registryCertificates says"
        fi
    done
    for registry in $(_strays); do untrue "$registry has an authority that the site no longer names"; done
}

apply() {
    local registry
    for registry in $(_strays); do _put_back "$registry"; done
    for registry in $(input registries); do
        keep "$(_file "$registry")"
        bulk "$registry" | write_file "$(_file "$registry")" 0644
    done
}

undo() {
    local registry
    for registry in $(input registries) $(_strays); do _put_back "$registry"; done
}

_put_back() {
    restore "$(_file "$1")"
    rmdir "$(input folder)/$1" "$(input folder)" 2>/dev/null || true
}

_file() {
    printf '%s/%s/gpu-metal.crt' "$(input folder)" "$1"
}

_strays() {
    local file
    for file in "$(input folder)"/*/gpu-metal.crt; do
        if [[ -e $file ]] && kept "$file"; then basename "$(dirname "$file")"; fi
    done | sort | comm -23 - <(input registries | tr ' ' '\n' | sort)
}
