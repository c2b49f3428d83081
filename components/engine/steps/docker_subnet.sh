# Docker's bridge overlaps no network that the host routes.
# rows: C1
# inputs: subnet

check() {
    local route device
    while read -r route device; do
        if networks_overlap "$(input subnet)" "$route"; then
            untrue "has the network $route on $device, which overlaps Docker's $(input subnet)." \
                "Fix: engine.subnet: \"ADDRESS/PREFIX\" in the site, which overlaps no network here"
        fi
    done < <(host_networks)
}
