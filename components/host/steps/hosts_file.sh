# Every host of the site is known by name, through a marked block on top of /etc/hosts; the rest of it is not ours.
# rows: H15
# bulk: entries
#
# On top, because the first line with a name wins: Debian's `127.0.1.1 NAME` would hide its own address from a host.

check() {
    local block
    block=$(_block)
    _hosts
    if [[ $REPLY != "$block"$'\n'* ]]; then
        untrue "/etc/hosts does not begin with the site's $(bulk entries | wc -l) entries"
    fi
    if kept /etc/hosts && ! _has_others; then untrue "/etc/hosts has lost the lines that are not ours"; fi
}

apply() {
    if kept /etc/hosts && ! _has_others; then restore /etc/hosts; fi
    if _has_others; then keep /etc/hosts; fi
    _all | write_file /etc/hosts 0644
}

# Not `restore`: others may have changed their lines since.
undo() {
    _others | write_file /etc/hosts 0644
}

# → REPLY
_hosts() {
    REPLY=
    if [[ -e /etc/hosts ]]; then read_file /etc/hosts; fi
}

_block() {
    printf '%s\n' '# gpu-metal begin'
    bulk entries
    printf '%s\n' '# gpu-metal end'
}

_all() {
    _block
    _others
}

_has_others() {
    [[ $'\n'$(_others) =~ $'\n'[0-9A-Fa-f.:]+[[:blank:]]+[^[:space:]] ]]
}

# /etc/hosts without our block. A block that lost its end, by hand or by a cut, ends where the lines are no longer ours.
_others() {
    local rest block
    block=$(_block)$'\n'
    _hosts
    if [[ -z $REPLY ]]; then return; fi
    rest=${REPLY#"$block"}
    if [[ $rest != *'# gpu-metal '* ]]; then
        # As we have left it, or as it was before
        if [[ -n $rest ]]; then printf '%s\n' "${rest%$'\n'}"; fi
        return
    fi
    awk -v end="$(grep -nxF '# gpu-metal end' /etc/hosts | cut -d: -f1)" '
        NR == FNR { ours[++n] = $0; next }
        $0 == "# gpu-metal begin" { inside = 1; next }
        $0 == "# gpu-metal end" { inside = 0; next }
        inside && FNR > end {
            for (i = 1; i <= n; i++) if (index(ours[i], $0) == 1) next
            inside = 0
        }
        !inside
    ' <(bulk entries) /etc/hosts
}
