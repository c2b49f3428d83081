# The address that moves between the control planes lies in this host's own network, and no other machine has it.
# rows: K13 H16
# inputs: address
# bulk: peers
#
# A control plane that has the address answers for it with its own hardware address. That of another machine is a fault:
# whoever connects would reach it, and kubeadm would wait for an API server there. A control plane that this `pulumi up` takes
# out of the site has the address until the end: the cluster's API server answers there.

check() {
    local address route one of known=' '
    address=$(input address)
    if [[ -n $(ip -o -4 address show to "$address") ]]; then
        if [[ ! -e /etc/gpu-metal/endpoint/keepalived.conf ]]; then
            untrue "has $address, which is to move between the control planes, as its own. Fix: another address as" \
                "kubernetes.virtualAddress.address; or take this one off the interface that has it"
        fi
        return
    fi
    route=$(ip -4 route get "$address" 2>/dev/null | head -n 1) || true
    if [[ -z $route || $route == *' via '* ]]; then
        untrue "reaches $address through a router (${route:-no route}), and an address that moves must lie in the network" \
            "of the hosts. Fix: as kubernetes.virtualAddress.address, a free one of $(_own_networks)"
    fi
    for one in "$address" $(bulk peers); do
        # Any datagram makes the kernel ask for the hardware address; nobody has to listen.
        { printf '\n' >"/dev/udp/$one/9"; } 2>/dev/null || true
    done
    sleep 1.2
    of=$(_hardware "$address")
    for one in $(bulk peers); do known+="$(_hardware "$one") "; done
    if [[ -n $of && $known != *" $of "* ]] && ! _is_the_cluster "$address"; then
        untrue "$address is answered for by a machine with the hardware address $of, which is no control plane of this" \
            "site. Fix: a free address as kubernetes.virtualAddress.address"
    fi
}

_hardware() { ip -4 neighbour show to "$1" | sed -n 's/.* lladdr \([^ ]*\).*/\1/p' | head -n 1; }

_is_the_cluster() {
    local port
    port=$(sed -n 's/^ *bind \*://p' /etc/gpu-metal/endpoint/haproxy.cfg 2>/dev/null) || return 1
    curl -s --noproxy '*' --max-time 5 --cacert /etc/kubernetes/pki/ca.crt -o /dev/null "https://$1:$port/livez"
}

_own_networks() { ip -o -4 address show scope global | awk '{ print $4 }' | paste -sd ' '; }
