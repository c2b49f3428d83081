# The ports of SQream's services are free, or theirs already.
# rows: Q6
# inputs: ports layer

check() {
    local port holder name taken=()
    for port in $(input ports); do
        holder=$(port_holder "$port")
        # Docker without its userland proxy publishes ports on which no process listens.
        name=$(docker ps --filter publish="$port" --format '{{.Names}}' 2>/dev/null | head -n 1 || true)
        if [[ -z $holder && -z $name ]]; then continue; fi
        # A container in the host's own network publishes nothing.
        if [[ $name == sqream_* || ($holder == sqream* && -s /var/lib/gpu-metal/ledger/$(input layer)) ]]; then continue; fi
        taken+=("$port (${name:-$holder})")
    done
    if ((${#taken[@]})); then
        untrue "has in use: port $(printf '%s, ' "${taken[@]}" | sed 's/, $//'); SQream wants it free." \
            "Fix: stop what is named, or give SQream another port (metadataPort, pickerPort, firstPort, workers[].port)"
    fi
}
