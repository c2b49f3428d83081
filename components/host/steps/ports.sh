# The ports that layers to come will use are free, or their layer has them already, also one whose ledger was lost.
# rows: H16
# inputs: one for each layer, with its ports

check() {
    local layer ports port holder taken=()
    while IFS='=' read -r layer ports; do
        if [[ -s /var/lib/gpu-metal/ledger/$layer ]] || grep -qsxF -- "$layer" /var/lib/gpu-metal/layers; then continue; fi
        for port in $ports; do
            holder=$(port_holder "$port")
            if [[ -n $holder ]]; then taken+=("$port ($holder)"); fi
        done
    done < <(inputs)
    if ((${#taken[@]})); then
        untrue "has in use: port ${taken[*]}; wants them free." \
            "Fix: stop these programs; if they are of a former Kubernetes, whose data may go: kubeadm reset"
    fi
}
