# The ports that the node will use are free, or a node layer of ours has them already.
# rows: H16
# inputs: ports

check() {
    local port taken=()
    if [[ -s /var/lib/gpu-metal/ledger/node ]]; then return; fi
    for port in $(input ports); do
        if _listens "$port"; then taken+=("$port ($(_holder "$port"))"); fi
    done
    if ((${#taken[@]})); then
        untrue "has in use: port ${taken[*]}; wants them free." \
            "Fix: stop what is named, or reset the Kubernetes that was here before"
    fi
}

# From the kernel's own tables (RFC 793's LISTEN is 0A there): a minimal system has no ss.
_listens() {
    { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || true; } | awk -v end=":$(printf '%04X' "$1")" '
        $4 == "0A" && substr($2, length($2) - 4) == end { found = 1 }
        END { exit !found }'
}

_holder() {
    { ss -Hltnp "sport = :$1" 2>/dev/null || true; } | sed -nE '1s/.*users:\(\("([^"]*)",pid=([0-9]+).*/\1, process \2/p'
}
