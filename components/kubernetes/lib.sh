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
