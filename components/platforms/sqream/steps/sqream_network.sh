# Docker's networks overlap no other network that the host routes, and no host of the site is in them.
# rows: Q5
# inputs: hosts
#
# Checks the networks that Docker has. Before Docker is installed, docker_subnet and the site's checks cover its first one.

check() {
    local network name own route device host
    while read -r network name own; do
        while read -r route device; do
            if [[ $device != "$own" ]] && networks_overlap "$network" "$route"; then
                untrue "has the network $route on $device, which overlaps Docker's network $network ($name). $(_fix "$name")"
            fi
        done < <(host_networks)
        for host in $(input hosts ''); do
            if networks_overlap "$network" "${host#*=}/32"; then
                untrue "Docker's network $network ($name) has ${host%%=*} (${host#*=}) in it: containers cannot reach" \
                    "that host. $(_fix "$name")"
            fi
        done
    done < <(_networks)
}

# `CIDR NAME DEVICE` of Docker's IPv4 networks; the device of a user's bridge may have a name of its own.
_networks() {
    # shellcheck disable=SC2016  # Docker's template
    docker network ls --quiet --filter driver=bridge 2>/dev/null | xargs -r docker network inspect --format \
        '{{$n := .}}{{range .IPAM.Config}}{{.Subnet}} {{$n.Name}} {{index $n.Options "com.docker.network.bridge.name"}}
{{end}}' 2>/dev/null | grep '^[0-9.]*/' || true
}

_fix() { # NETWORK
    if [[ $1 == bridge ]]; then
        printf 'Fix: engine.subnet: "ADDRESS/PREFIX" in the site, off every network here'
    else
        printf 'Fix: docker network rm %s, and make it again off every network here (--subnet)' "$1"
    fi
}
