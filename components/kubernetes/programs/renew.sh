#!/bin/bash
# gpu-metal-renew list         the certificates that kubeadm made on this control plane: when each ends (seconds since 1970),
#                              and its name
# gpu-metal-renew renew DAYS   makes all of them anew if one ends within so many days, and restarts what uses them
#
# The step certificates puts it here. kubeadm takes the names in a new certificate from the one before.
set -euo pipefail
shopt -s inherit_errexit

_kubernetes=/etc/kubernetes
_mark=$_kubernetes/gpu-metal/renewing

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

list() {
    local name data
    for name in apiserver apiserver-kubelet-client apiserver-etcd-client front-proxy-client etcd/{server,peer,healthcheck-client}; do
        if [[ -s $_kubernetes/pki/$name.crt ]]; then ends <"$_kubernetes/pki/$name.crt" "pki/$name.crt"; fi
    done
    for name in admin super-admin controller-manager scheduler; do
        if [[ ! -s $_kubernetes/$name.conf ]]; then continue; fi
        data=$(sed -n 's/^ *client-certificate-data: //p' "$_kubernetes/$name.conf")
        # One that others made may sign in by other means.
        if [[ -n $data ]]; then base64 -d <<<"$data" | ends "$name.conf"; fi
    done
}

# ends NAME: of the certificate on stdin
ends() { printf '%s %s\n' "$(date -d "$(openssl x509 -noout -enddate | cut -d = -f 2)" +%s)" "$1"; }

# soon DAYS: the names of those that end within so many days
soon() { list | awk -v "end=$(($(date +%s) + $1 * 86400))" '$1 < end { print $2 }'; }

renew() {
    local names said name
    names=$(soon "$1")
    if [[ -z $names && ! -e $_mark ]]; then return; fi
    install -d -m 0755 $_kubernetes/gpu-metal
    if [[ -n $names ]]; then
        for name in ca etcd/ca front-proxy-ca; do
            if [[ ! -s $_kubernetes/pki/$name.key ]]; then
                fail "$(paste -sd ' ' <<<"$names") will end, and $_kubernetes/pki/$name.key, which signs others, is not here." \
                    "Nothing was changed. Fix: have your authority sign them anew, and put them there"
            fi
        done
        : >$_mark
        if ! said=$(kubeadm certs renew all 2>&1); then
            fail "kubeadm did not renew the certificates: ${said##*$'\n'}. Fix: kubeadm certs check-expiration"
        fi
        : >$_mark
    fi
    for name in etcd kube-apiserver kube-controller-manager kube-scheduler; do restart "$name"; done
    rm $_mark
    printf 'renewed: %s\n' "$(paste -sd ' ' <<<"$names")"
}

# restart NAME: the kubelet starts the pod's container again, which then reads its files. One that ended often of late, it
# lets wait for up to five minutes; so one that has started since then by itself is left alone.
restart() {
    local one ended='' deadline=$((SECONDS + 400))
    if [[ ! -s $_kubernetes/manifests/$1.yaml ]]; then return; fi
    while true; do
        one=$(process "$1")
        if [[ -n $one ]] && is_new "$one"; then
            if works "$1"; then return; fi
        elif [[ -n $one && $one != "$ended" ]]; then
            kill -TERM "$one" || true
            ended=$one
        fi
        if ((SECONDS > deadline)); then
            fail "$1 does not run 400 s after its certificates were renewed. Fix: crictl ps -a; journalctl -u kubelet -n 50"
        fi
        sleep 1
    done
}

# is_new PROCESS: did it start after the renewal?
is_new() {
    local age
    age=$(ps -o etimes= -p "$1") || return 1
    ((age < $(date +%s) - $(stat -c %Y $_mark)))
}

# process NAME: of the static pod, which has the host's network; not one of a cluster in pods
process() {
    local one own
    own=$(readlink /proc/self/ns/net)
    # The kernel keeps 15 characters of a name.
    for one in $(pgrep -x "${1:0:15}"); do
        if [[ $(readlink "/proc/$one/ns/net" 2>/dev/null) == "$own" ]]; then
            printf '%s\n' "$one"
            return
        fi
    done
}

works() {
    case $1 in
        etcd) [[ $(curl -s --noproxy '*' --max-time 5 http://127.0.0.1:2381/health) == *'"health":"true"'* ]] ;;
        kube-apiserver) [[ $(kubectl --kubeconfig $_kubernetes/admin.conf --request-timeout=5s get --raw /readyz 2>/dev/null) == ok ]] ;;
    esac
}

case ${1-} in
    list) list ;;
    renew)
        exec 8>/run/gpu-metal-renew
        flock 8
        renew "$2"
        ;;
    *) fail "Usage: gpu-metal-renew list | renew DAYS" ;;
esac
