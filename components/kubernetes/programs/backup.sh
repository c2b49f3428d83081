#!/bin/bash
# gpu-metal-backup: backs up the cluster of this control plane.
#
# A backup is NODE-CLUSTER-TIME.tar.gz.age, where CLUSTER is of the cluster's own authority: etcd's snapshot, everything in
# /etc/kubernetes (certificates, keys, kubeconfigs, manifests), the kubelet's files, and the programs that restore it. So
# it can be restored alone. It also has what parts keep outside etcd, such as a database. It is encrypted for the site's
# recipients: nothing on this host can open it again.

# shellcheck source=common.sh
. /usr/local/lib/gpu-metal-backup/common.sh

# Seconds for each part's state
_limit=600

# Is FOLDER on another machine? A disk of this one is lost with it.
elsewhere() {
    local type source
    if [[ ! -d $1 ]]; then fail "there is no folder $1. Fix: mount the share of another machine there"; fi
    read -r type source < <(findmnt -nro FSTYPE,SOURCE -T "$1" | tail -n 1) || true
    case ${type-} in
        nfs | nfs4 | cifs | smb3 | ceph | glusterfs | lustre | beegfs | gpfs | wekafs | 9p | virtiofs | fuse | fuse.*) ;;
        *)
            fail "$1 is on this host itself (${type:-unknown}, ${source:-unknown}), and a backup there is lost with it." \
                "Fix: mount the share of another machine there"
            ;;
    esac
}

main() {
    local folder keep node name to sum kept
    folder=$(<"$_home/folder") keep=$(<"$_home/keep")
    begin
    elsewhere "$folder"
    if [[ ! -s $_manifests/etcd.yaml ]]; then fail "there is no $_manifests/etcd.yaml: no etcd of the cluster runs here"; fi
    node=$(argument name $_manifests/etcd.yaml)
    snapshot
    states
    name=$node-$(cluster_of $_kubernetes)-$(date -u +%Y%m%dT%H%M%SZ).tar.gz.age
    pack >"$_work/$name"
    to=$folder/$name
    # A cut copy has a name that nobody takes for a backup; that of an earlier run goes. In the same folder, cp-1 may write
    # one beside cp.
    rm -f -- "$folder/.${name%-*}"-????????T??????Z.tar.gz.age.part
    if ! cp -- "$_work/$name" "$folder/.$name.part" || ! sync -- "$folder/.$name.part"; then
        fail "$folder does not take the backup. Fix: df -h $folder; its owner must let this host's root write"
    fi
    sum=$(sha256sum <"$folder/.$name.part")
    if [[ $sum != "$(sha256sum <"$_work/$name")" ]]; then fail "$folder/.$name.part is not what was written. Fix: look at that share"; fi
    mv -- "$folder/.$name.part" "$to"
    prune "${to%-*}" "$keep"
    kept=("${to%-*}"-????????T??????Z.tar.gz.age)
    printf '%s %s %s %s\n' "$(date -u +%s)" "$(stat -c %s -- "$to")" "${#kept[@]}" "$to" >$_state/.last
    sync $_state/.last
    mv $_state/.last $_state/last
    printf '%s (%s keys at revision %s)\n' "$to" "$(status_of totalKey)" "$(status_of revision)"
    rm -f $_state/without
    if [[ ! -s $_work/without ]]; then return; fi
    mv $_work/without $_state/without
    printf 'it has not the state of %s\n' "$(paste -sd ';' $_state/without)"
}

# What parts have that etcd has not, each in a folder of its own; one that is not installed yet writes nothing. One that fails
# keeps neither the cluster from its backup nor pulumi up from mending it: verify says so.
states() {
    local program name said
    mkdir -m 0700 $_work/states
    for program in "$_home"/states/*; do
        name=${program##*/}
        mkdir -m 0700 "$_work/states/$name"
        if ! said=$(timeout -k 10 $_limit "$program" save "$_work/states/$name" 2>&1); then
            rm -r "$_work/states/$name"
            said=${said##*$'\n'}
            printf '%s: %s\n' "$name" "${said:-it had no end within $_limit s}" >>$_work/without
        else
            rmdir --ignore-fail-on-non-empty "$_work/states/$name"
        fi
    done
}

# etcd's snapshot, seen to be whole: etcdutl compares its checksum and reads every key.
snapshot() {
    local said
    if ! said=$(etcdctl --command-timeout=10m snapshot save $_work/snapshot.db 2>&1); then
        fail "etcd gave no snapshot: ${said##*$'\n'}. Fix: df -h $_state; sitectl verify"
    fi
    etcdctl member list >$_work/members
    status
    if (($(status_of totalKey) == 0)); then fail "etcd's snapshot has no keys"; fi
}

pack() {
    local paths=("${_kubernetes#/}" "${_home#/}"/{common.sh,etcdutl} usr/local/sbin/gpu-metal-restore) path key
    for path in "${_kubelet[@]}"; do
        if [[ -e /$path ]]; then paths+=("$path"); fi
    done
    # Without it, no Secret of the snapshot could be read again.
    key=$(encryption $_manifests/kube-apiserver.yaml)
    if [[ -n $key && ! -s $key ]]; then
        fail "the API server encrypts with $key, which is no file of this host, and without it a backup cannot be read." \
            "Fix: have it at the same path on the host and in the pod"
    fi
    if [[ -n $key && $key != "$_kubernetes"/* ]]; then paths+=("${key#/}"); fi
    if [[ -d $_home/states ]]; then paths+=("${_home#/}/states"); fi
    tar -cf - -C / "${paths[@]}" -C $_work snapshot.db members states | gzip -1 | age -R "$_home/recipients"
}

# prune PREFIX KEEP: the newest KEEP of this node and cluster stay. Those of another cluster on the same node do, too, and
# what somebody keeps there under a name of its own.
prune() {
    local all=("$1"-????????T??????Z.tar.gz.age)
    while ((${#all[@]} > $2)); do
        # After a clock that was wrong, its name may come first.
        if [[ ${all[0]} != "$to" ]]; then rm -f -- "${all[0]}"; fi
        all=("${all[@]:1}")
    done
}

main
