# A package source is there with a key of its own (Signed-By), and its index has been read.
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
    elif [[ $(_primary_keys "$keyring") != "$(input fingerprint)" ]]; then
        untrue "$keyring does not hold the key $(input fingerprint), and it alone"
    fi
    if [[ -z $(_indexes FILENAME) ]]; then untrue "the index of $(_here "$(input url)") has not been read"; fi
}

apply() {
    local fetched=$GPU_METAL_RUN/key seen
    if [[ -n $(input key_url '') ]]; then
        # apt's own client: it knows the host's proxy and certificates, and is always there.
        /usr/lib/apt/apt-helper download-file "$(_here "$(input key_url)")" "$fetched"
    else
        bulk key >"$fetched"
    fi
    if [[ -n $(input fingerprint '') ]]; then
        seen=$(_primary_keys "$fetched")
        if [[ $seen != "$(input fingerprint)" ]]; then
            printf 'The key for %s is %s, wants %s. Nothing used it. Fix: %s\n' \
                "$(input url)" "${seen:-none}" "$(input fingerprint)" \
                'compare with what the vendor publishes; then correct fingerprint, or where the key comes from' >&2
            return 1
        fi
    fi
    keep "$(_keyring)"
    keep "$(_source)"
    write_file "$(_keyring)" 0644 <"$fetched"
    rm -f "$fetched"
    _wanted | write_file "$(_source)" 0644
    if ! _update; then
        untrue "cannot use $(_here "$(input url)"): apt's own words are below." \
            "Fix: is it reached from this host (name, proxy), and is keyFile or keyUrl the key that signs it?"
    fi
}

undo() {
    _forget_indexes
    restore "$(_source)"
    restore "$(_keyring)"
}

# {os} and {codename} stand for this host's: one site may have Debian and Ubuntu hosts.
_here() {
    local text=${1//'{os}'/$(os_id)}
    printf '%s' "${text//'{codename}'/$(os_codename)}"
}

_source() {
    printf '/etc/apt/sources.list.d/gpu-metal-%s.sources' "$(input name)"
}

_keyring() {
    printf '/etc/apt/keyrings/gpu-metal-%s.asc' "$(input name)"
}

_wanted() {
    printf '# gpu-metal\nTypes: deb\nURIs: %s\nSuites: %s\n' "$(_here "$(input url)")" "$(_here "$(input suite)")"
    if [[ -n $(input components '') ]]; then printf 'Components: %s\n' "$(input components)"; fi
    printf 'Signed-By: %s\n' "$(_keyring)"
}

# Fingerprints of all primary keys in a file, since apt would trust all of them.
_primary_keys() {
    local home
    if [[ ! -s $1 ]]; then return; fi
    # gpg does not even show a key without a folder of its own; this one is in memory.
    home=$(mktemp -d /run/gpu-metal-gpg.XXXXXX)
    gpg --homedir "$home" --batch --no-options --quiet --show-keys --with-colons "$1" 2>/dev/null |
        awk -F: '$1 == "pub" { primary = 1 } $1 == "fpr" && primary { print $10; primary = 0 }' | paste -sd ' ' || true
    rm -rf "$home"
}

# Of this source only: the others may be unreachable and are not our business.
_update() {
    apt_get update -o "Dir::Etc::SourceList=$(_source)" -o Dir::Etc::SourceParts=- -o APT::Get::List-Cleanup=false \
        -o APT::Update::Error-Mode=any
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
