#!/usr/bin/env bash
# The pod network of one node, kept by gpu-metal-pod-network.service: its CNI configuration, a route to the pods of each
# other node, and masquerading for pods. Everything follows the cluster's nodes, read with this kubelet's rights.
# usage: gpu-metal-pod-network NODE POD_SUBNET MTU
set -uo pipefail

node=$1 pod_subnet=$2 mtu=$3
conflist=/etc/cni/net.d/10-gpu-metal.conflist

# `name|pod subnet|address` of each node
nodes() {
    local address='{.status.addresses[?(@.type=="InternalIP")].address}'
    # kubectl prints its message five times when the API server does not answer.
    kubectl --kubeconfig /etc/kubernetes/kubelet.conf --request-timeout=10s get nodes \
        -o jsonpath="{range .items[*]}{.metadata.name}|{.spec.podCIDR}|$address{\"\\n\"}{end}" 2> >(tail -n 1 >&2)
}

configuration() {
    cat <<END
{
  "cniVersion": "1.0.0",
  "name": "gpu-metal",
  "plugins": [
    {
      "type": "bridge", "bridge": "cni0", "isDefaultGateway": true, "hairpinMode": true, "mtu": $mtu,
      "ipam": { "type": "host-local", "ranges": [[{ "subnet": "$1" }]] }
    },
    { "type": "portmap", "capabilities": { "portMappings": true }, "snat": true }
  ]
}
END
}

keep_configuration() {
    local wanted
    wanted=$(configuration "$1")
    if [[ -e $conflist && $(<"$conflist") == "$wanted" ]]; then return; fi
    # A bridge with the address of another subnet takes no pods: the node was made anew, its old pods are gone.
    if [[ -e $conflist ]]; then ip link delete cni0 2>/dev/null || true; fi
    mkdir -p "${conflist%/*}"
    printf '%s\n' "$wanted" >"$conflist.new"
    mv "$conflist.new" "$conflist"
}

# Protocol 77 marks the routes that are ours.
keep_routes() {
    local name subnet address wanted=' '
    while IFS='|' read -r name subnet address; do
        if [[ $name == "$node" || -z $subnet || -z $address ]]; then continue; fi
        ip route replace "$subnet" via "$address" proto 77
        wanted+="$subnet "
    done <<<"$1"
    while read -r subnet _; do
        if [[ $wanted != *" $subnet "* ]]; then ip route delete "$subnet" proto 77; fi
    done < <(ip -4 route show proto 77)
}

rule() {
    local table=$1 chain=$2
    shift 2
    iptables -w -t "$table" -C "$chain" "$@" 2>/dev/null || iptables -w -t "$table" -A "$chain" "$@"
}

keep_rules() {
    rule nat POSTROUTING -s "$pod_subnet" ! -d "$pod_subnet" -m comment --comment gpu-metal -j MASQUERADE
    # Needed if others (Docker) have made DROP the policy.
    rule filter FORWARD -s "$pod_subnet" -m comment --comment gpu-metal -j ACCEPT
    rule filter FORWARD -d "$pod_subnet" -m comment --comment gpu-metal -j ACCEPT
}

round() {
    local seen own
    [[ -s /etc/kubernetes/kubelet.conf ]] || return 0
    seen=$(nodes)
    own=$(sed -n "s/^$node|\([^|]*\)|.*/\1/p" <<<"$seen")
    [[ -n $own ]] || return 0
    keep_rules
    keep_routes "$seen"
    keep_configuration "$own"
}

# A round that fails says so in the journal, and the next one mends it.
while true; do
    (
        set -e
        round
    )
    if [[ -e $conflist ]]; then sleep 15; else sleep 3; fi
done
