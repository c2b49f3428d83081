#!/usr/bin/env bash
# Runs on a control plane, as root: makes way for a host that joins, and prints its ticket.
# usage: bash -s -- NODE ADDRESS ROLE MINUTES; ROLE is control-plane or worker; or member or control-plane-member: one that
# is only admitted again, unless it was taken out, of etcd for good: then it joins anew, and its ticket has a line `OUT`; or
# ended: a member whose kubelet's certificate has ended, which gets a ticket and stays what it is
# stdout: lines `PLACE VALUE`, or nothing for a member, and where this host is in no cluster; KEYS are those with which
# Secrets are encrypted, where the site keeps the keys
# uses: kubernetes stored
set -euo pipefail
umask 077

api() {
    kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=15s "$@"
}

# etcd's own HTTP door: no etcdctl is needed.
etcd() {
    curl --silent --show-error --fail --max-time 15 --cacert /etc/kubernetes/pki/etcd/ca.crt \
        --cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key \
        "https://127.0.0.1:2379/v3/cluster/member/$1" --data "$2"
}

members_at() {
    etcd list '{}' | grep -o '{"ID"[^}]*}' | sed -n "\\,\"https://$1:2380\",s/.*\"ID\":\"\([0-9]*\)\".*/\1/p"
}

barred() {
    api -n kube-system get configmap gpu-metal-gone --ignore-not-found \
        -o "go-template={{with .data}}{{with index . \"$node\"}}{{.}}{{end}}{{end}}"
}

# Takes back what barred a node that left (steps/node_member.sh).
admit() {
    if [[ -n $(api -n kube-system get configmap gpu-metal-gone --ignore-not-found -o name) ]]; then
        api -n kube-system patch configmap gpu-metal-gone --type merge --patch "{\"data\":{\"$node\":null}}" >/dev/null
    fi
}

# The joining host has no identity: what bears its name is left of an earlier life, and would stop a join.
forget_earlier() {
    local id
    if [[ $role == control-plane ]]; then
        for id in $(members_at "$address"); do etcd remove "{\"ID\":\"$id\"}" >/dev/null; done
    fi
    api delete node "$node" --ignore-not-found >/dev/null
}

# kubeadm reads its own ConfigMap from a file: else it would look for the newest version on the internet.
certificate_key() {
    local config
    config=$(mktemp /run/gpu-metal-cluster.XXXXXX)
    api -n kube-system get configmap kubeadm-config -o 'jsonpath={.data.ClusterConfiguration}' >"$config"
    kubeadm init phase upload-certs --upload-certs --config "$config" | grep -xE '[0-9a-f]{64}'
    rm -f "$config"
}

ticket() {
    local join endpoint
    endpoint=$(sed -n 's/.*advertise-address\.endpoint: *//p' /etc/kubernetes/manifests/kube-apiserver.yaml)
    join=$(kubeadm token create --kubeconfig /etc/kubernetes/admin.conf --ttl "${minutes}m" --description "gpu-metal $node" \
        --print-join-command)
    printf 'ENDPOINT %s\n' "$endpoint"
    if [[ -n $out ]]; then printf 'OUT yes\n'; fi
    printf '%s\n' "$join" |
        sed -n 's/.*--token \([^ ]*\) .*--discovery-token-ca-cert-hash \([^ ]*\).*/TOKEN \1\nCA_HASH \2/p'
    printf 'MINUTES %s\n' "$minutes"
    if [[ $role == control-plane ]]; then printf 'CERTIFICATE_KEY %s\nKEYS %s\n' "$(certificate_key)" "$(keys)"; fi
}

keys() {
    local found
    if ! grep -qsF -- '--encryption-provider-config=/etc/kubernetes/gpu-metal/' /etc/kubernetes/manifests/kube-apiserver.yaml; then
        return 0
    fi
    found=$(secrets_unreadable /dev/null) || true
    sed -n 's/^secretbox:v1://p' <<<"$found" | paste -sd ' '
}

node=$1 address=$2 role=$3 minutes=$4
if [[ ! -s /etc/kubernetes/admin.conf ]]; then exit 0; fi
out=''
if [[ $role =~ ^(member|ended)$ && -n $(barred) ]]; then role=worker out=yes; fi
admit
if [[ $role == control-plane-member ]]; then
    # Apart: in a condition, an etcd that does not answer would pass for one that has removed it.
    # Asked of the majority: a member of etcd that is cut off would not know of one that joined since.
    there=$(etcd list '{"linearizable":true}')
    # By its name, too: in a cluster that others made, members may speak to each other by other addresses than the site's.
    if [[ $there == *"\"https://$address:2380\""* || $there == *"\"name\":\"$node\""* ]]; then role=member; else role=control-plane out=yes; fi
fi
if [[ $role != member && $role != ended ]]; then forget_earlier; fi
if [[ $role != member ]]; then ticket; fi
