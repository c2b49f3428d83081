# Each node may read the addresses of the others, for the routes to their pods.
# rows: K4
#
# Since Kubernetes 1.32 a kubelet's identity sees its own node only.
#
# Not undone: the permission belongs to the cluster, not to this host, and the other nodes still use it.

check() {
    local seen
    seen=$(_api get clusterrole/gpu-metal-node-reader clusterrolebinding/gpu-metal-node-reader --ignore-not-found -o \
        'jsonpath={range .items[*]}{.rules}{.roleRef.name}{.subjects[*].name}{"\n"}{end}')
    if [[ $seen != *'"nodes"'*'gpu-metal-node-reader'*system:nodes* ]]; then
        untrue "system:nodes may not read the nodes: gpu-metal-node-reader is absent or changed"
    fi
}

apply() {
    _api apply -f - <<'END'
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: gpu-metal-node-reader}
rules:
  - {apiGroups: [""], resources: [nodes], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: gpu-metal-node-reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: gpu-metal-node-reader}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:nodes}
END
}

# Waits for an API server that is away for a moment, instead of failing.
_api() {
    local deadline=$((SECONDS + 30))
    until _kubectl get --raw /readyz >/dev/null 2>&1 || ((SECONDS > deadline)); do sleep 2; done
    _kubectl "$@"
}

_kubectl() {
    kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=20s "$@"
}
