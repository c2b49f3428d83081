#!/bin/bash
# gpu-metal-renew list         the certificates of this control plane: when each ends (seconds since 1970), its name, and
#                              "signed by another authority" if the cluster's own did not sign it
# gpu-metal-renew renew DAYS   makes all that the cluster's own authorities signed anew if one of them ends within so many
#                              days, and restarts what uses them
#
# The step certificates puts it here. kubeadm takes the names in a new certificate from the one before; it would also sign
# those anew that another authority has signed, such as the site's own for the API server. Those are left alone.
set -euo pipefail
shopt -s inherit_errexit

_kubernetes=/etc/kubernetes
_mark=$_kubernetes/gpu-metal/renewing
_foreign='signed by another authority'
_patience=1500
_turn=/usr/local/sbin/gpu-metal-turn

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

list() {
    local name whose end
    while read -r name; do
        # A kubeconfig that others made may sign in by other means.
        if [[ -z $(certificate "$name") ]]; then continue; fi
        end=$(date -d "$(certificate "$name" | openssl x509 -noout -enddate | cut -d = -f 2)" +%s)
        whose=''
        if ! is_ours "$name"; then whose=" $_foreign"; fi
        printf '%s %s%s\n' "$end" "$name" "$whose"
    done < <(
        printf 'pki/%s.crt\n' apiserver apiserver-kubelet-client apiserver-etcd-client front-proxy-client \
            etcd/{server,peer,healthcheck-client}
        printf '%s.conf\n' admin super-admin controller-manager scheduler
    )
}

# certificate NAME: nothing where there is none
certificate() {
    if [[ ! -s $_kubernetes/$1 ]]; then return; fi
    case $1 in
        *.crt) cat "$_kubernetes/$1" ;;
        *.conf) sed -n 's/^ *client-certificate-data: //p' "$_kubernetes/$1" | base64 -d ;;
    esac
}

# authority NAME: the one with which kubeadm signs it
authority() {
    case $1 in
        pki/etcd/* | pki/apiserver-etcd-client.crt) echo etcd/ca ;;
        pki/front-proxy-client.crt) echo front-proxy-ca ;;
        *) echo ca ;;
    esac
}

# is_ours NAME: did the cluster's own authority sign it? That itself may be signed by another one.
is_ours() {
    certificate "$1" |
        openssl verify -no_check_time -partial_chain -CAfile "$_kubernetes/pki/$(authority "$1").crt" >/dev/null 2>&1
}

# ours [DAYS]: the names of those that the cluster's own authorities signed, all or those that end within so many days
ours() { list | awk -v "end=$(($(date +%s) + ${1:-100000} * 86400))" -v "foreign=$_foreign" '$1 < end && !index($0, foreign) { print $2 }'; }

# kubeadm_name NAME: as `kubeadm certs renew` knows it
kubeadm_name() { sed -E 's|^pki/||; s|/|-|; s|\.crt$||' <<<"$1"; }

renew() {
    local names said name
    names=$(ours "$1")
    if [[ -z $names && ! -e $_mark ]]; then return; fi
    install -d -m 0755 $_kubernetes/gpu-metal
    if [[ -n $names ]]; then
        for name in $(for one in $(ours); do authority "$one"; done | sort -u); do
            if [[ ! -s $_kubernetes/pki/$name.key ]]; then
                fail "$(paste -sd ' ' <<<"$names") will end, and $_kubernetes/pki/$name.key, which signs others, is not here." \
                    "Nothing was changed. Fix: have your authority sign them anew, and put them there"
            fi
        done
        : >$_mark
        for name in $(ours); do
            if ! said=$(kubeadm certs renew "$(kubeadm_name "$name")" 2>&1); then
                fail "kubeadm did not renew $name: ${said##*$'\n'}. Fix: kubeadm certs check-expiration"
            fi
        done
        : >$_mark
    fi
    step_aside
    for name in etcd kube-apiserver kube-controller-manager kube-scheduler; do restart "$name"; done
    rm $_mark
    printf 'renewed: %s\n' "$(paste -sd ' ' <<<"$names")"
}

# One control plane is away at a time. Where no API server takes our certificate any more, nobody can be asked; and where
# another one is gone for good, certificates end all the same: etcd is then away for seconds.
step_aside() {
    local said status=0
    trap '$_turn back || true' EXIT # which says it; the certificates are in use
    said=$($_turn aside 'renews its certificates' $_patience 2>&1) || status=$?
    if ((status != 0 && status != 3 && status != 4)); then
        fail "the certificates are renewed; what uses them is not restarted yet: $said. Fix: see there, journalctl -u" \
            "gpu-metal-renew; the timer here tries again in a day, pulumi up at once"
    fi
    if [[ -n $said ]]; then printf '%s\n' "$said"; fi
}

# restart NAME: the kubelet starts the pod's container again, which then reads its files. One that ended often of late, it
# lets wait for up to five minutes; started anew, the kubelet does not remember that.
restart() {
    local one ended='' waits=yes deadline=$((SECONDS + 400))
    if [[ ! -s $_kubernetes/manifests/$1.yaml ]]; then return; fi
    while true; do
        one=$(process "$1")
        if [[ -n $one ]] && is_new "$one"; then
            if works "$1"; then return; fi
        elif [[ -n $one && $one != "$ended" ]]; then
            kill -TERM "$one" || true
            ended=$one
        elif [[ -z $one && -n $waits ]] && ((SECONDS > deadline - 370)); then
            systemctl restart kubelet
            waits=''
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
        kube-apiserver) [[ $(kubectl --kubeconfig $_kubernetes/admin.conf --server "$(own_server)" --request-timeout=5s get --raw /readyz 2>/dev/null) == ok ]] ;;
    esac
}

# The endpoint in the kubeconfig is also that of other control planes.
own_server() {
    local address
    address=$(sed -nE 's/^ +- --advertise-address=//p' $_kubernetes/manifests/kube-apiserver.yaml)
    if [[ $address == *:* ]]; then address="[$address]"; fi
    printf 'https://%s:6443\n' "$address"
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
