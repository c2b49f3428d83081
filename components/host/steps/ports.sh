# The ports that the node will use are free, or a node layer of ours has them already.
# rows: H16
# inputs: ports

check() {
    local port taken=()
    if [[ -s /var/lib/gpu-metal/ledger/node ]]; then return; fi
    for port in $(input ports); do
        if [[ -n $(ss -Hltn "sport = :$port") ]]; then taken+=("$port ($(_holder "$port"))"); fi
    done
    if ((${#taken[@]})); then
        untrue "has in use: port ${taken[*]}; wants them free." \
            "Fix: stop what is named, or reset the Kubernetes that was here before"
    fi
}

_holder() {
    ss -Hltnp "sport = :$1" | sed -nE '1s/.*users:\(\("([^"]*)",pid=([0-9]+).*/\1, process \2/p'
}
