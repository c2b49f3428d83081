# The gateway's code is what the source has in imagegw.
# rows: F5
# inputs: source path id sysconfdir
# uses: shifter

check() {
    local strange
    if [[ $(_installed) != "$(input id)" ]]; then untrue "$(input path) has not the image gateway of this source"; fi
    strange=$(cd "$(input path)" && sha256sum --check --quiet --strict <(_sums) 2>/dev/null |
        cut -d: -f1 | paste -sd ' ' || true)
    if [[ -n $strange ]]; then untrue "in $(input path), $strange: not as the source has it"; fi
}

apply() {
    local fresh file
    if [[ ! -f $(input source)/requirements.txt || ! -d $(input source)/shifter_imagegw ]]; then
        untrue "$(input source) has no image gateway. Fix: correct source: is it Shifter's, with its folder imagegw?"
    fi
    imagegw_due
    keep "$(_list)"
    fresh=$(input path)/.fresh
    umask 022
    rm -rf -- "$fresh"
    mkdir -p -- "$fresh"
    cp -rL -- "$(input source)/." "$fresh"
    # configure makes it, where it was run; the gateway needs nothing else of that.
    if [[ ! -f $fresh/shifter_imagegw/__init__.py ]]; then
        sed "s|@SHIFTER_SYSCONFDIR@|$(input sysconfdir)|" "$fresh/shifter_imagegw/__init__.py.in" \
            >"$fresh/shifter_imagegw/__init__.py"
    fi
    chmod -R u=rwX,go=rX -- "$fresh"
    chown -R root:root -- "$fresh"
    # Until the new code is whole the list has both: what a cut run leaves is known to the next one, and to undo.
    {
        printf 'none\n'
        _sums
        _sums_of "$fresh"
    } | write_file "$(_list)" 0644
    while read -r file; do rm -f -- "$(input path)/$file"; done < <(comm -23 <(_names) <(cd "$fresh" && _all))
    cp -rT -- "$fresh" "$(input path)"
    {
        input id
        _sums_of "$fresh"
    } | write_file "$(_list)" 0644
    rm -rf -- "$fresh"
}

undo() {
    local file
    if [[ -d $(input path) ]]; then
        while read -r file; do rm -f -- "$(input path)/$file"; done < <(_names)
        rm -rf -- "$(input path)/.fresh"
        find "$(input path)" -mindepth 1 -depth -type d -empty -delete
    fi
    restore "$(_list)"
}

# First the source's id, then a sum of each file, as sha256sum prints them.
_list() {
    printf '%s/.gpu-metal' "$(input path)"
}

_installed() {
    head -n 1 "$(_list)" 2>/dev/null || true
}

_sums() {
    tail -n +2 "$(_list)" 2>/dev/null || true
}

_names() {
    _sums | sed 's/^[0-9a-f]* [ *]//' | sort -u
}

_sums_of() {
    (cd "$1" && _all | xargs -d '\n' sha256sum --)
}

_all() {
    find . -type f -printf '%P\n' | sort
}
