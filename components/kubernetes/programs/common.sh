# shellcheck shell=bash
# For gpu-metal-backup and gpu-metal-restore, beside which the step etcd_backup puts it.
set -euo pipefail
shopt -s inherit_errexit nullglob

_home=/usr/local/lib/gpu-metal-backup
_state=/var/lib/gpu-metal-backup
_work=$_state/work
_kubernetes=/etc/kubernetes
_manifests=$_kubernetes/manifests
# shellcheck disable=SC2034 # both programs read it
_kubelet=(var/lib/kubelet/config.yaml var/lib/kubelet/kubeadm-flags.env var/lib/kubelet/instance-config.yaml var/lib/kubelet/pki)

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# argument NAME FILE: the value of an argument in a manifest of kubeadm's; nothing when it is not there
argument() {
    if [[ -r $2 ]]; then sed -nE "s/^ +- --$1=//p" "$2" | sed -n 1p; fi
}

etcdctl() {
    "$_home/etcdctl" --endpoints "https://127.0.0.1:2379" --cacert $_kubernetes/pki/etcd/ca.crt \
        --cert $_kubernetes/pki/etcd/healthcheck-client.crt --key $_kubernetes/pki/etcd/healthcheck-client.key "$@"
}

# cluster_of FOLDER: eight digits of the fingerprint of the cluster's authority
cluster_of() { openssl x509 -in "$1/pki/ca.crt" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | cut -c 1-8 | tr A-F a-f; }

begin() {
    install -d -m 0700 $_state
    exec 8>$_state/lock
    if ! flock -w 600 8; then fail "another backup or restore has run here for 10 minutes. Fix: journalctl -u gpu-metal-backup"; fi
    clear_work
    # It holds keys in the clear.
    trap clear_work EXIT
    mkdir -m 0700 $_work
}

clear_work() { rm -rf $_work; }

# encryption MANIFEST: the file with the keys of Secrets, as the API server's manifest names it
encryption() { argument encryption-provider-config "$1"; }

status() {
    local said
    if ! said=$("$_home/etcdutl" snapshot status $_work/snapshot.db --write-out json 2>&1); then
        fail "etcd's snapshot is not whole: ${said##*$'\n'}"
    fi
    printf '%s\n' "$said" >$_work/status
}

status_of() { grep -oE "\"$1\":[0-9]+" $_work/status | cut -d : -f 2; }
