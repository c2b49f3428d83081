# shellcheck shell=bash
# For steps with `# uses: kubernetes`: questions to the API server, from a control plane.

# cluster_api WORD…: kubectl as the cluster's administrator. An API server that is away for a moment is waited for, 30 s.
cluster_api() {
    local deadline=$((SECONDS + 30))
    until _cluster_kubectl get --raw /readyz >/dev/null 2>&1 || ((SECONDS > deadline)); do sleep 2; done
    _cluster_kubectl "$@"
}

_cluster_kubectl() {
    kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=20s "$@"
}

# api_server_process: the process of this host's API server; nothing when there is none
api_server_process() { pgrep -o -x kube-apiserver || true; }

# api_server_is_ready: this host's, not another behind the same endpoint
api_server_is_ready() {
    local address
    address=$(sed -nE 's/^ +- --advertise-address=//p' /etc/kubernetes/manifests/kube-apiserver.yaml)
    if [[ $address == *:* ]]; then address="[$address]"; fi
    [[ $(_cluster_kubectl --server "https://$address:6443" --request-timeout=5s get --raw /readyz 2>/dev/null) == ok ]]
}

# api_server_said: the last error in its container's log, as one line; its last line if none of them looks like one
api_server_said() {
    local lines
    lines=$(find /var/log/pods/kube-system_kube-apiserver-* -name '*.log' -printf '%T@ %p\n' 2>/dev/null | sort -n |
        tail -n 2 | cut -d ' ' -f 2- | xargs -r tail -q -n 40 -- | sed -E 's/^\S+ std(out|err) [FP] //')
    { grep -E '^Error: |^[EF][0-9]{4} .*run\.go' <<<"$lines" || printf '%s\n' "$lines"; } |
        tail -n 1 | sed -E 's/^[EF][0-9]{4} [^]]*\] //' | cut -c 1-400
}
