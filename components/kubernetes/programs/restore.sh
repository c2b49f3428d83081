#!/bin/bash
# gpu-metal-restore FILE <KEY: puts a backup of gpu-metal-backup back. KEY is the private key that opens it.
# gpu-metal-restore FILE PART <KEY: puts back what that part of the site has besides etcd, such as a database
#
# Of the same cluster, only etcd's data goes back, and the keys of Secrets: certificates may be newer than the backup.
# On a host that has another cluster or none, everything does.

# shellcheck source=common.sh
. /usr/local/lib/gpu-metal-backup/common.sh

_aside=$_state/manifests
_static=(etcd kube-apiserver kube-controller-manager kube-scheduler)
# https://kubernetes.io/docs/tasks/administer-cluster/configure-upgrade-etcd/: so far above what was that no client has
# seen a revision that will be used again.
_bump=1000000000

restore() {
    local set=$_work/set etcd=$_work/etcd.yaml api=$_work/kube-apiserver.yaml data now had
    begin
    open "$1"
    data=$(argument data-dir "$etcd")
    same_host
    others_off
    same_encryption
    now=$(date -u +%Y%m%dT%H%M%SZ)
    make_data
    stop
    # From here on a run that was cut off is done again, by the same words.
    had=$data/member.before-$now
    if [[ -d $data/member ]]; then mv "$data/member" "$had"; fi
    mv "$data/gpu-metal-restored/member" "$data/member"
    rmdir "$data/gpu-metal-restored"
    if is_other_cluster; then bring_files; fi
    bring_encryption
    start
    printf 'The cluster of %s is as it was in %s.\n' "$(argument name "$etcd")" "${1##*/}"
    if [[ -d $had ]]; then printf 'What etcd had before is in %s: delete it when you do not need it.\n' "$had"; fi
}

# The part's own program does it, as it was when the backup was made.
restore_state() {
    local set=$_work/set had
    begin
    open "$1"
    if [[ ! -d $set/states/$2 ]]; then
        had=$(find "$set/states" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | paste -sd ' ') || true
        fail "${1##*/} has no state of $2; it has: ${had:-none}. Nothing was changed."
    fi
    "$_home/states/$2" restore "$set/states/$2"
    printf 'What %s had in %s is back.\n' "$2" "${1##*/}"
}

is_other_cluster() {
    [[ ! -s $_kubernetes/pki/ca.crt || $(cluster_of $_kubernetes) != "$(cluster_of "$set/etc/kubernetes")" ]]
}

open() {
    if [[ ! -r $1 ]]; then fail "there is no file $1 here. Nothing was changed."; fi
    mkdir -m 0700 $_work/set
    if ! age -d -i - -- "$1" | tar -xzf - -C $_work/set; then
        fail "$1 was not opened with the key on stdin. Nothing was changed. Fix: ssh … gpu-metal-restore FILE <KEY," \
            "with the private key of one of the recipients, AGE-SECRET-KEY-…"
    fi
    mv $_work/set/snapshot.db $_work/set/members $_work/
    cp "$_work/set$_manifests/"{etcd,kube-apiserver}.yaml $_work/
    # The etcdutl that was there when the backup was made: this host may have another, or none.
    _home=$_work/set/usr/local/lib/gpu-metal-backup
    status
}

same_host() {
    local name url address own
    name=$(argument name "$etcd")
    url=$(argument initial-advertise-peer-urls "$etcd")
    address=${url#https://} address=${address%:*} address=${address//[\[\]]/}
    own=$(ip -o addr | awk '{ sub("/.*", "", $4); print $4 }' | paste -sd ' ')
    if [[ $name != "$(uname -n)" || " $own " != *" $address "* ]]; then
        fail "the backup is of $name at $address, and this host is $(uname -n) at $own: its certificates are for the other." \
            "Nothing was changed. Fix: a host with that name and address"
    fi
}

# A member of the former cluster that still runs would be a second cluster beside this one.
others_off() {
    local own urls url place
    own=$(argument initial-advertise-peer-urls "$etcd")
    while IFS=, read -r _ _ _ urls _; do
        url=${urls// /}
        if [[ -z $url || $url == "$own" ]]; then continue; fi
        # Bash's /dev/tcp takes an IPv6 address without its brackets.
        place=${url#https://} place=${place//[\[\]]/}
        # shellcheck disable=SC2016 # the inner bash expands it
        if timeout 3 bash -c 'exec 3<>"/dev/tcp/$1/$2"' _ "${place%:*}" "${place##*:}" 2>/dev/null; then
            fail "etcd of another control plane still runs at $url. Nothing was changed. Fix: end it there first," \
                "mv $_manifests/etcd.yaml $_manifests/kube-apiserver.yaml /root/; after the restore, that host joins anew"
        fi
    done <$_work/members
}

# The API server that is here must be able to read what the backup's wrote.
same_encryption() {
    local was is key
    if is_other_cluster; then return; fi
    was=$(encryption "$api")
    is=$(encryption $_manifests/kube-apiserver.yaml)$(encryption $_aside/kube-apiserver.yaml)
    if [[ -n $was && $was != "$is" ]]; then
        key="kubernetes.apiServer.encryption-provider-config: $was"
        if [[ $was == /etc/kubernetes/gpu-metal/* ]]; then key='kubernetes.encryption'; fi
        fail "the backup's Secrets are encrypted with keys of $was, and the API server here reads ${is:-no such file}." \
            "Nothing was changed. Fix: $key in the site, as it was then, pulumi up; then again"
    fi
}

bring_encryption() {
    local file
    file=$(encryption "$api")
    if [[ -z $file ]] || cmp -s "$set$file" "$file"; then return; fi
    if [[ -e $file ]]; then
        cp -a "$file" "$file.before-$now"
        printf 'The keys of Secrets are those of the backup; the ones that were here are in %s.\n' "$file.before-$now"
    fi
    mkdir -p "${file%/*}"
    cp -a "$set$file" "$file"
}

# The data of a member that is alone, beside what is there.
make_data() {
    local said url name
    name=$(argument name "$etcd") url=$(argument initial-advertise-peer-urls "$etcd")
    install -d -m 0700 "$data"
    rm -rf "$data/gpu-metal-restored"
    if ! said=$("$_home/etcdutl" snapshot restore $_work/snapshot.db --data-dir "$data/gpu-metal-restored" \
        --name "$name" --initial-cluster "$name=$url" --initial-advertise-peer-urls "$url" \
        --bump-revision $_bump --mark-compacted 2>&1); then
        rm -rf "$data/gpu-metal-restored"
        fail "etcd's snapshot was not restored: ${said##*$'\n'}. Nothing was changed. Fix: df -h $data"
    fi
}

# The kubelet ends the control plane's pods when their manifests are gone. All of them: what ran on would act upon a
# state that is no more.
stop() {
    local name deadline=$((SECONDS + 180))
    install -d -m 0700 $_aside
    for name in "${_static[@]}"; do
        if [[ -s $_manifests/$name.yaml ]]; then mv "$_manifests/$name.yaml" $_aside/; fi
    done
    while [[ -n $(listening) ]]; do
        if ((SECONDS > deadline)); then
            fail "the control plane still listens at $(listening | paste -sd ' ') after 180 s. Its manifests are in $_aside." \
                "Fix: crictl ps; systemctl status kubelet; then the same command again"
        fi
        sleep 1
    done
}

# etcd, API server, controller manager, scheduler
listening() { ss -Htln 'sport = :2379 or sport = :6443 or sport = :10257 or sport = :10259' | awk '{ print $4 }'; }

# Certificates, keys and kubeconfigs of the backup's cluster, on a host that has another's or none. Those of the cluster
# come last and at once: by them, a run that was cut off knows that this is to be done still.
bring_files() {
    local path name was=$_kubernetes.before-$now file fresh=$_kubernetes.gpu-metal-restored
    if [[ -d $_kubernetes ]]; then
        mv $_kubernetes "$was"
        printf 'Certificates and keys are those of the backup; what was here is in %s.\n' "$was"
    fi
    # The manifests that stop took away are the other cluster's.
    for file in "$_aside"/*; do
        if cmp -s "$file" "$set$_manifests/${file##*/}"; then continue; fi
        install -d -m 0700 "$was" "$was/manifests"
        mv "$file" "$was/manifests/"
    done
    for name in "${_static[@]}"; do
        if [[ -s $set$_manifests/$name.yaml ]]; then mv "$set$_manifests/$name.yaml" $_aside/; fi
    done
    for path in "${_kubelet[@]}"; do
        if [[ ! -e $set/$path ]]; then continue; fi
        rm -rf "/${path:?}"
        mkdir -p "/${path%/*}"
        cp -a "$set/$path" "/$path"
    done
    rm -rf "$fresh"
    cp -a "$set$_kubernetes" "$fresh"
    mv "$fresh" $_kubernetes
}

start() {
    local name deadline=$((SECONDS + 300))
    for name in "${_static[@]}"; do
        if [[ -s $_aside/$name.yaml ]]; then mv "$_aside/$name.yaml" $_manifests/; fi
    done
    rm -rf $_aside
    # Else it goes on with what it knew of its pods.
    systemctl restart kubelet
    until [[ $(kubectl --kubeconfig $_kubernetes/admin.conf --request-timeout=5s get --raw /readyz 2>/dev/null) == ok ]]; do
        if ((SECONDS > deadline)); then
            fail "etcd's data is restored, but the API server does not answer after 300 s." \
                "Fix: crictl ps -a; journalctl -u kubelet -n 50"
        fi
        sleep 2
    done
}

if [[ $# -lt 1 || $# -gt 2 || -t 0 ]]; then fail "Usage: gpu-metal-restore FILE [PART] <KEY"; fi
if [[ $# -eq 2 ]]; then restore_state "$@"; else restore "$1"; fi
