# Every host of the site is known by name, through a marked block on top of /etc/hosts; the rest of it is not ours.
# rows: H15
# bulk: entries
#
# On top, because the first line with a name wins: Debian's `127.0.1.1 NAME` would hide its own address from a host.

check() {
    if ! _block | cmp -s - <(head -n "$(_block | wc -l)" /etc/hosts 2>/dev/null); then
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
    _others | grep -E '^[0-9A-Fa-f.:]+\s+\S' >/dev/null
}

# /etc/hosts without our block. A block that lost its end, by hand or by a cut, ends where the lines are no longer ours.
_others() {
    if [[ ! -e /etc/hosts ]]; then return; fi
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
