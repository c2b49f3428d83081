# The ports that the node will use are free, or a node layer of ours has them already.
# rows: H16
# inputs: ports

check() {
    local port holder taken=()
    if [[ -s /var/lib/gpu-metal/ledger/node ]]; then return; fi
    for port in $(input ports); do
        holder=$(port_holder "$port")
        if [[ -n $holder ]]; then taken+=("$port ($holder)"); fi
    done
    if ((${#taken[@]})); then
        untrue "has in use: port ${taken[*]}; wants them free." \
            "Fix: stop what is named, or reset the Kubernetes that was here before"
    fi
}
