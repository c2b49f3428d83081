# Packages are installed, in the wanted versions, and held if asked; undo also removes what came with them.
# rows: H7 G8
# inputs: names hold folders
#
# names are `name`, `name=version`, where a version may be a glob, or `@term`.

check() {
    local says
    says=$(_with_words pkg_untrue)
    if [[ -n $says ]]; then untrue "$says"; fi
}

apply() {
    _with_words pkg_add
}

undo() {
    local words word folder
    read -ra words < <(input names)
    mapfile -t words < <(pkg_asked && os_packages "${words[@]}")
    pkg_drop
    for word in "${words[@]}"; do
        if pkg_installed "${word%%=*}"; then return; fi
    done
    for folder in $(input folders ''); do
        if [[ -d $folder ]]; then
            awk -v "folder=$folder/" 'index($2, folder) == 1 { print $2 }' /proc/self/mounts | sort -r | xargs -r umount
            find "$folder" -xdev -mindepth 1 -delete
            rmdir "$folder" 2>/dev/null || true # a mount point stays, empty
        fi
    done
}

# Runs $1 with the words, and with --hold where asked.
_with_words() {
    local words
    read -ra words < <(input names)
    if [[ $(input hold no) == yes ]]; then words=(--hold "${words[@]}"); fi
    "$1" "${words[@]}"
}
