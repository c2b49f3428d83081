# A package source is set up with a key of its own (Signed-By), and its index has been read.
# rows: H6
# inputs: name url suite components fingerprint key_url
# bulk: key
#
# The key comes with the layer, or the host fetches it from key_url; a fingerprint is compared before anything uses it.

check() {
    if ! _wanted | same_file "$(_source)"; then untrue "$(_source) is not what the site says of this source"; fi
    same_key "$(_keyring)"
    if [[ -z $(_indexes FILENAME) ]]; then untrue "the index of $(_url) has not been read"; fi
}

apply() {
    local fetched=$GPU_METAL_RUN/key
    bring_key "$fetched" "$(_url)"
    keep "$(_keyring)"
    keep "$(_source)"
    write_file "$(_keyring)" 0644 <"$fetched"
    rm -f "$fetched"
    _wanted | write_file "$(_source)" 0644
    _read_index
}

undo() {
    _forget_indexes
    restore "$(_source)"
    restore "$(_keyring)"
}

_url() {
    os_text "$(input url)"
}

_source() {
    printf '/etc/apt/sources.list.d/gpu-metal-%s.sources' "$(input name)"
}

_keyring() {
    printf '/etc/apt/keyrings/gpu-metal-%s.asc' "$(input name)"
}

_wanted() {
    printf '# gpu-metal\nTypes: deb\nURIs: %s\nSuites: %s\n' "$(_url)" "$(os_text "$(input suite)")"
    if [[ -n $(input components '') ]]; then printf 'Components: %s\n' "$(input components)"; fi
    printf 'Signed-By: %s\n' "$(_keyring)"
}

# Reads the index of this source only: the others may be unreachable.
_read_index() {
    read_index "$(_url)" apt_get update -o "Dir::Etc::SourceList=$(_source)" -o Dir::Etc::SourceParts=- \
        -o APT::Get::List-Cleanup=false -o APT::Update::Error-Mode=any
}

# The fields $* of each index of this source that apt has.
_indexes() {
    # shellcheck disable=SC2016  # these are apt's variables
    apt-get indextargets --format "$(printf '$(%s) ' "$@")" "Sourcesentry: $(_source):1" 'Created-By: Packages'
}

_forget_indexes() {
    local file key
    while read -r file key; do
        rm -f -- "${file%"${key//\//_}"}"*
    done < <(_indexes FILENAME METAKEY)
}
