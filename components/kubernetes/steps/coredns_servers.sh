# CoreDNS on this node asks the name servers that the node itself asks.
# rows: H15 K4
# inputs: node servers
#
# A pod's resolv.conf is a copy of the node's, made when the pod began; CoreDNS reads it at its start. So its pods on this
# node are replaced when the site's dns has changed. `servers` is not read: it makes this step run again.
#
# Not undone: pods that are replaced later take the node's name servers of that time.

check() {
    local stale
    stale=$(_stale)
    if [[ -n $stale ]]; then
        untrue "${stale//$'\n'/ and } asks the name servers of the time when it began, not $(_asked "$(_source)" | paste -sd ' ')"
    fi
}

# The kubelet may delete pods of its own node; their ReplicaSet starts others at once.
apply() {
    local pod
    for pod in $(_stale); do _kubectl delete pod "$pod" --wait --timeout=60s; done
}

# The pods of CoreDNS on this node whose name servers are not those of the file that the kubelet copies
_stale() {
    local pods pid pod
    if ! pgrep -x coredns >/dev/null; then return; fi
    pods=$(_kubectl get pods --selector k8s-app=kube-dns --field-selector "spec.nodeName=$(input node)" \
        -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}')
    for pid in $(pgrep -x coredns); do
        # A pod's host name is its own.
        pod=$(cat "/proc/$pid/root/etc/hostname" 2>/dev/null) || continue
        if [[ $'\n'$pods$'\n' != *$'\n'"$pod"$'\n'* ]]; then continue; fi
        if [[ $(_asked "/proc/$pid/root/etc/resolv.conf") != "$(_asked "$(_source)")" ]]; then printf '%s\n' "$pod"; fi
    done
}

# The kubelet copies three at most.
_asked() { awk '$1 == "nameserver" { print $2 }' "$1" | head -n 3; }

# kubeadm sets it to systemd-resolved's file where resolved keeps /etc/resolv.conf.
_source() {
    local file
    file=$(sed -nE 's/^resolvConf: *"?([^"]*)"?$/\1/p' /var/lib/kubelet/config.yaml)
    printf '%s\n' "${file:-/etc/resolv.conf}"
}

_kubectl() {
    kubectl --kubeconfig /etc/kubernetes/kubelet.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=20s \
        --namespace kube-system "$@"
}
