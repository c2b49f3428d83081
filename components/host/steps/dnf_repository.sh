# A dnf source is set up, its packages are checked by a key of its own, and its index has been read.
# rows: H6
# inputs: name url fingerprint key_url check_packages check_metadata hotfixes
# bulk: key
#
# The key comes with the layer, or the host fetches it from key_url; a fingerprint is compared before anything uses it.
# rpm has one set of trusted keys for all sources: undo removes ours from it, unless it was there before.

check() {
    if ! _wanted | same_file "$(_source)"; then untrue "$(_source) is not what the site says of this source"; fi
    same_key "$(_key)"
    if [[ -n $(_unknown_keys) ]]; then untrue "rpm does not know the key $(_unknown_keys)"; fi
    if [[ -z $(_caches) ]]; then untrue "the index of $(_url) has not been read"; fi
}

apply() {
    local fetched=$GPU_METAL_RUN/key
    bring_key "$fetched" "$(_url)"
    keep "$(_key)"
    keep "$(_source)"
    write_file "$(_key)" 0644 <"$fetched"
    rm -f "$fetched"
    if [[ -n $(_unknown_keys) ]]; then
        { _ours && _unknown_keys; } | tr ' ' '\n' | sort -u | write_file "$(_record)" 0600
        rpm --import "$(_key)"
    fi
    _wanted | write_file "$(_source)" 0644
    _read_index
}

undo() {
    local print
    for print in $(_ours); do
        if ! _used_elsewhere "$print"; then _pubkey "$print" | xargs -r rpm -e --allmatches; fi
    done
    rm -f "$(_record)"
    rm -rf "/var/cache/dnf/$(_id)"{.solv,-*.solvx}
    _folders | xargs -r -d '\n' rm -rf
    restore "$(_source)"
    restore "$(_key)"
}

_url() {
    os_text "$(input url)"
}

_id() {
    printf 'gpu-metal-%s' "$(input name)"
}

_source() {
    printf '/etc/yum.repos.d/%s.repo' "$(_id)"
}

_key() {
    printf '/etc/pki/rpm-gpg/RPM-GPG-KEY-%s' "$(_id)"
}

# The keys that rpm did not know before us.
_record() {
    printf '%s/rpm-keys/%s' "$GPU_METAL_HOME" "$(input name)"
}

_ours() {
    cat "$(_record)" 2>/dev/null || true
}

_wanted() {
    printf '# gpu-metal\n[%s]\nname=%s\nbaseurl=%s\nenabled=1\n' "$(_id)" "$(_id)" "$(_url)"
    printf 'gpgcheck=%s\nrepo_gpgcheck=%s\n' "$(input check_packages)" "$(input check_metadata)"
    printf 'gpgkey=file://%s\n' "$(_key)"
    if [[ $(input hotfixes) == 1 ]]; then printf 'module_hotfixes=1\n'; fi
}

# The package as which rpm keeps the key with the fingerprint $1, if it does.
_pubkey() {
    local version name
    while read -r version name; do
        if [[ ${1,,} == *"$version" ]]; then printf '%s\n' "$name"; fi
    done < <(rpm -qa gpg-pubkey --qf '%{VERSION} %{NAME}-%{VERSION}-%{RELEASE}\n')
}

_unknown_keys() {
    local print
    for print in $(key_prints "$(_key)"); do
        if [[ -z $(_pubkey "$print") ]]; then printf '%s\n' "$print"; fi
    done | paste -sd ' '
}

_used_elsewhere() {
    local file
    for file in /etc/pki/rpm-gpg/RPM-GPG-KEY-gpu-metal-*; do
        if [[ $file != "$(_key)" && " $(key_prints "$file") " == *" $1 "* ]]; then return; fi
    done
    return 1
}

# Reads the index of this source only: the others may be unreachable.
_read_index() {
    read_index "$(_url)" dnf_run --disablerepo='*' --enablerepo="$(_id)" --setopt="$(_id).skip_if_unavailable=0" \
        --setopt="$(_id).metadata_expire=0" makecache
}

# The folders of this source whose index has been read.
_caches() {
    local folder
    while read -r folder; do
        if [[ -e $folder/repomd.xml || -e $folder/repodata/repomd.xml ]]; then printf '%s\n' "$folder"; fi
    done < <(_folders)
}

# /var/cache/dnf/ID-HASH
_folders() {
    find /var/cache/dnf -type d -regextype posix-extended \
        -regex ".*/$(_id)-[0-9a-f]{16}" -prune -print 2>/dev/null || true
}
