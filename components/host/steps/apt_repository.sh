# A package source is there with a key of its own (Signed-By), and its index has been read.
# rows: H6
# inputs: name url suite components fingerprint key_url
# bulk: key
#
# The key comes with the layer, or the host fetches it from key_url; a fingerprint is compared before anything uses it.

check() {
    local keyring
    keyring=$(_keyring)
    if ! _wanted | same_file "$(_source)"; then untrue "$(_source) is not what the site says of this source"; fi
    if [[ -z $(input key_url '') ]]; then
        if ! bulk key | same_file "$keyring"; then untrue "$keyring is not the key of this source"; fi
    elif [[ $(key_prints "$keyring") != "$(input fingerprint)" ]]; then
        untrue "$keyring does not hold the key $(input fingerprint), and it alone"
    fi
    if [[ -z $(_indexes FILENAME) ]]; then untrue "the index of $(_url) has not been read"; fi
}

apply() {
    local fetched=$GPU_METAL_RUN/key
    if [[ -n $(input key_url '') ]]; then
        fetch_key "$(os_text "$(input key_url)")" "$(input fingerprint)" "$fetched"
    else
        bulk key >"$fetched"
        if [[ -n $(input fingerprint '') ]]; then right_key "$fetched" "$(input fingerprint)" "$(_url)"; fi
    fi
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

# Of this source only: the others may be unreachable and are not our business.
_read_index() {
    local log=$GPU_METAL_RUN/index
    if apt_get update -o "Dir::Etc::SourceList=$(_source)" -o Dir::Etc::SourceParts=- \
        -o APT::Get::List-Cleanup=false -o APT::Update::Error-Mode=any 2>&1 | tee "$log"; then
        rm -f "$log"
        return
    fi
    source_fault "$(_url)" <"$log"
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
