# Each node may read the addresses of the others, for the routes to their pods.
# rows: K4
# uses: kubernetes
#
# Since Kubernetes 1.32 a kubelet's identity sees its own node only.
#
# Not undone: the permission belongs to the cluster, not to this host, and the other nodes still use it.

check() {
    local seen
    seen=$(cluster_api get clusterrole/gpu-metal-node-reader clusterrolebinding/gpu-metal-node-reader --ignore-not-found -o \
        'jsonpath={range .items[*]}{.rules}{.roleRef.name}{.subjects[*].name}{"\n"}{end}')
    if [[ $seen != *'"nodes"'*'gpu-metal-node-reader'*system:nodes* ]]; then
        untrue "system:nodes may not read the nodes: gpu-metal-node-reader is absent or changed"
    fi
}

apply() {
    cluster_api apply -f - <<'END'
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
