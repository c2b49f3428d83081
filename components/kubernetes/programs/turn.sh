#!/bin/bash
# gpu-metal-turn take WHY SECONDS   waits, so many seconds at most, until this control plane may be away: no other one is, and
#                                   etcd has its majority without it, and clients another API server. WHY is `restarts`
#                                   if the host itself does
#                                   Status 3: no API server says whether another one is away; 4: the cluster would be away
#                aside WHY SECONDS  the same; then its API server gets no new connections by the address that moves
#                back               it is back, after either. While no API server answers, it tries again for three minutes
#
# The step certificates puts it here. Two control planes that restart at the same time would stop etcd. A Lease of the
# cluster says whose turn it is. Of a host that restarts, it is over when its node is Ready in another boot; of one that was
# cut off, after 40 minutes.
set -euo pipefail
shopt -s inherit_errexit

_kubernetes=/etc/kubernetes
_lease=gpu-metal-turn
_longest=2400
_silence=120
_returning=180
_taken=/run/gpu-metal/turn-taken
_endpoint=/usr/local/sbin/gpu-metal-endpoint

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

api() { kubectl --kubeconfig $_kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=15s "$@"; }

take() { # WHY SECONDS
    local said version holder since boot why deadline=$((SECONDS + $2)) silent=$((SECONDS + _silence))
    while true; do
        if said=$(lease "$1" '' | api create -f - 2>&1); then break; fi
        if [[ $said != *AlreadyExists* && $said != *'already exists'* ]]; then
            # One that was just ended comes back, and it may be that of whose turn it is.
            if ! is_refused "$said" && ((SECONDS < silent)); then
                sleep 5
                continue
            fi
            printf 'no API server says whether another control plane is away: %s\n' "${said##*$'\n'}" >&2
            exit 3
        fi
        # With its version: only one of those that see it gets it.
        if is_free && lease "$1" "$version" | api replace -f - >/dev/null 2>&1; then break; fi
        if ((SECONDS > deadline)); then
            fail "it is the turn of $holder since $since, which $why. It ends by itself 40 minutes after it began"
        fi
        sleep 5
    done
    [[ -d ${_taken%/*} ]] || mkdir -m 0700 "${_taken%/*}"
    : >$_taken
    await_majority "$deadline"
    await_another "$deadline"
}

# is_refused SAID: does the API server answer, but take our certificate no more? To wait changes nothing.
is_refused() { [[ $1 == *x509* || $1 == *'be logged in'* ]]; }

# Is the turn this host's, over, or forgotten? With what it says, in the caller's variables
is_free() {
    IFS='|' read -r version holder since boot why < <(api -n kube-system get lease $_lease -o 'jsonpath={.metadata.resourceVersion}|{.spec.holderIdentity}|{.spec.acquireTime}|{.metadata.annotations.gpu-metal/boot}|{.metadata.annotations.gpu-metal/why}' 2>/dev/null) || true
    if [[ -z $since ]]; then return 1; fi
    if [[ $holder == "$(uname -n)" ]] || (($(date +%s) - $(date -d "$since" +%s) > _longest)); then return 0; fi
    [[ $why == restarts && $(booted "$holder") == *"True" && $(booted "$holder") != "$boot "* ]]
}

# booted NODE: its boot, and whether it is Ready
booted() { api get node "$1" -o 'jsonpath={.status.nodeInfo.bootID} {.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null || true; }

# lease WHY VERSION: of this host, from now on
lease() {
    printf '{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"%s","namespace":"kube-system"%s,' \
        $_lease "${2:+,\"resourceVersion\":\"$2\"}"
    printf '"annotations":{"gpu-metal/why":"%s","gpu-metal/boot":"%s"}},' "$1" "$(cat /proc/sys/kernel/random/boot_id)"
    printf '"spec":{"holderIdentity":"%s","acquireTime":"%s","leaseDurationSeconds":%s}}\n' "$(uname -n)" \
        "$(date -u +%FT%T.000000Z)" "$_longest"
}

await_majority() { # DEADLINE
    local said
    while said=$(no_majority) && [[ -n $said ]]; do
        if ((SECONDS > $1)); then
            end
            printf 'etcd would have no majority without this control plane: %s. Fix: crictl logs of etcd on the others\n' "$said" >&2
            exit 4
        fi
        sleep 5
    done
}

# Behind the address that moves: a host that was away, and is Ready again, may have an API server that is not.
await_another() { # DEADLINE
    if [[ ! -x $_endpoint ]]; then return 0; fi
    until $_endpoint another; do
        if ((SECONDS > $1)); then
            end
            printf 'no other API server is ready. Fix: crictl ps -a on the other control planes\n' >&2
            exit 4
        fi
        sleep 5
    done
}

# Why etcd has no majority without this host; nothing if it has. Of two members, none can be spared: then the other one is
# to be well. A host whose own member is dead takes nothing away.
no_majority() {
    local member url all=0 others=0 needed
    if [[ ! -s $_kubernetes/manifests/etcd.yaml ]]; then return; fi
    while read -r member; do
        all=$((all + 1))
        url=$(sed -n 's/.*"clientURLs":\["\([^"]*\)".*/\1/p' <<<"$member")
        if [[ $member == *"\"name\":\"$(uname -n)\""* || -z $url ]]; then continue; fi
        if [[ $(etcd "$url/health") == *'"health":"true"'* ]]; then others=$((others + 1)); fi
    done < <(etcd https://127.0.0.1:2379/v3/cluster/member/list -d '{}' | grep -o '{"ID"[^}]*}' | grep -v '"isLearner":true' || true)
    needed=$((all / 2 + 1))
    if ((needed > all - 1)); then needed=$((all - 1)); fi
    if ((others < needed)); then printf 'of the %d other members, %d answer' $((all - 1)) $others; fi
}

etcd() {
    curl -s --noproxy '*' --max-time 10 --cacert $_kubernetes/pki/etcd/ca.crt \
        --cert $_kubernetes/pki/etcd/healthcheck-client.crt --key $_kubernetes/pki/etcd/healthcheck-client.key "$@" || true
}

# The turn ends, if it is this host's. One that was taken here is not left to the others to be waited for, because the API
# server was just away: it may be this host's own, which has restarted.
end() {
    local said told='' deadline=$((SECONDS + _returning))
    until said=$(give_back 2>&1); do
        if [[ ! -e $_taken ]]; then return; fi
        if is_refused "$said" || ((SECONDS >= deadline)); then
            fail "the turn of this control plane was not given back: ${said##*$'\n'}. Others that want to be away wait until it" \
                "ends by itself, 40 minutes after it began. Fix: once an API server answers, gpu-metal-turn back"
        fi
        if [[ -z $told ]]; then
            printf 'waits up to %s s for an API server, to give back the turn of this control plane: %s\n' $_returning "${said##*$'\n'}" >&2
            told=yes
        fi
        sleep 3
    done
    rm -f $_taken
}

give_back() {
    local holder
    holder=$(api -n kube-system get lease $_lease --ignore-not-found -o 'jsonpath={.spec.holderIdentity}') || return
    if [[ $holder == "$(uname -n)" ]]; then api -n kube-system delete lease $_lease --ignore-not-found >/dev/null; fi
}

case ${1-} in
    take) take "$2" "$3" ;;
    aside)
        take "$2" "$3"
        if [[ -x $_endpoint ]]; then $_endpoint away "$_longest"; fi
        ;;
    back)
        if [[ -x $_endpoint ]]; then $_endpoint back; fi
        end
        ;;
    *) fail 'Usage: gpu-metal-turn take|aside WHY SECONDS | back' ;;
esac
