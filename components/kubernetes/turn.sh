#!/usr/bin/env bash
# Runs on a control plane, as root: gives a node its turn in an upgrade, and ends it.
# VERSION: of Kubernetes, such as 1.34.2; or the package of the container engine, such as containerd.io=2.1.5-1.
# usage: bash -s -- begin NODE VERSION SECONDS MINUTES RESOURCES WINDOW OPEN: no new work, jobs with GPUs have MINUTES to end,
#        then its pods move within SECONDS. RESOURCES: how words begin by which a pod has GPUs, with | between. OPEN: the
#        nodes whose turn may be going on or comes later; that of any other one must have ended
#        bash -s -- end NODE VERSION SECONDS: it runs VERSION and is Ready within SECONDS; then it takes work again
# stdout: nothing, or a line `no WHY`
# uses: kubernetes
#
# The node's annotation gpu-metal/upgrade is the turn: VERSION, or `VERSION kept` for a node that took no new work before.
# So a run that was killed is resumed, and a node that others cordoned stays so.
set -euo pipefail
shopt -s inherit_errexit
umask 077

_mark=gpu-metal/upgrade

begin() {
    local mark condition seen why value=$version
    if [[ ! -s /etc/kubernetes/admin.conf ]]; then
        printf 'is a member of no cluster\n' >&2
        exit 1
    fi
    _end_former
    condition=$(node_condition "$node")
    # What it has of its own to do, its step does; there is nothing to move.
    if [[ -z $condition ]]; then return 0; fi
    mark=$(_mark_of)
    seen=$(_version)
    if [[ -n $window ]] && ! _done; then in_window "$window" "$node is to be upgraded"; fi
    why=$(_forbidden)
    if [[ -n $why ]]; then _no "node $node runs Kubernetes ${seen#v}, wants $version; $why"; fi
    if [[ $mark == *' kept' || -z $mark && $condition == *cordoned* ]]; then value+=' kept'; fi
    if [[ $condition != *ready* && -z $mark ]] && ! _done; then
        _no "node $node is not Ready: $(_why_not). Nothing was changed there. Fix: bring it back, then pulumi up goes on;" \
            "or state: gone in the site"
    fi
    cluster_api annotate node "$node" --overwrite "$_mark=$value" >/dev/null
    # A node that a killed run has emptied and upgraded, or left not Ready, has nothing to move.
    if [[ $condition != *ready* ]] || _done; then return 0; fi
    cluster_api cordon "$node" >/dev/null
    _await_jobs
    _empty
}

end() {
    local deadline=$((SECONDS + seconds)) condition='' mark
    # Apart: in a condition, an API server that does not answer would pass for a turn that has ended.
    mark=$(_mark_of)
    if [[ -z $mark ]]; then return 0; fi
    while :; do
        condition=$(node_condition "$node")
        if [[ $condition == *ready* ]] && _upgraded "$(_version)"; then break; fi
        if ((SECONDS >= deadline)); then
            _no "node $node is upgraded, but after $seconds s is not Ready with $version: it runs $(_version), $(_why_not)." \
                "It takes no new work. Fix: journalctl -u kubelet -n 50 there, then pulumi up goes on; after the last node," \
                "sitectl drift --record before it"
        fi
        sleep 3
    done
    _give_back
}

# An end that failed is only a warning to Pulumi. Here it is tried again, and stops the upgrade if it fails.
_end_former() {
    local former one own=$node own_seconds=$seconds
    former=$(_marked)
    for one in $former; do
        if [[ " $open " == *" $one "* ]]; then continue; fi
        node=$one seconds=60
        end
    done
    node=$own seconds=$own_seconds
}

# The nodes with a turn to this version
_marked() {
    cluster_api get nodes -o go-template='{{range .items}}{{.metadata.name}}{{with .metadata.annotations}}{{with index . "gpu-metal/upgrade"}} {{.}}{{end}}{{end}}{{"\n"}}{{end}}' |
        awk -v "version=$version" '$2 == version { print $1 }'
}

_no() {
    printf 'no %s\n' "$*"
    exit 0
}

# in_window refuses by it.
untrue() { _no "$@"; }

_mark_of() { cluster_api get node "$node" --ignore-not-found -o go-template='{{with .metadata.annotations}}{{with index . "gpu-metal/upgrade"}}{{.}}{{end}}{{end}}'; }

# Of the kubelet, v1.34.2; or of the container engine, containerd://2.1.5
_version() {
    local key=kubeletVersion
    if [[ $version != [0-9]* ]]; then key=containerRuntimeVersion; fi
    cluster_api get node "$node" --ignore-not-found -o "jsonpath={.status.nodeInfo.$key}"
}

# Has the node, which runs $seen, nothing to move any more? A package may change in what a node does not show: its revision.
_done() { [[ $version == [0-9]* && $seen == "v$version" ]]; }

# _upgraded SEEN: may a node that runs SEEN run $version? Of a package without a version, or with a pattern, nobody can say no
_upgraded() {
    local seen=${1#containerd://} wanted=${version#*=}
    if [[ $version == [0-9]* ]]; then
        [[ $1 == "v$version" ]]
        return
    fi
    if [[ $version != *=* || $version == *[*?]* ]]; then return 0; fi
    wanted=${wanted#*:} # without the epoch
    [[ -n $seen && $wanted == "$seen"* && ${wanted:${#seen}:1} != [0-9.]* ]]
}

_forbidden() {
    if [[ $version == [0-9]* ]]; then version_forbidden "${seen#v}" "$version"; fi
}

_why_not() { cluster_api get node "$node" --ignore-not-found -o 'jsonpath={.status.conditions[?(@.type=="Ready")].message}' | sed 's/\.$//'; }

_await_jobs() {
    local left
    if node_await_jobs "$node" "$minutes" "$resources"; then return 0; fi
    left=$REPLY
    _give_back
    _no "node $node still has jobs with GPUs after $minutes min: ${left//$'\n'/, }. Nothing was changed there, and it takes" \
        "work as before. Fix: let them end, or a longer kubernetes.rolling.waitForJobs; then pulumi up goes on"
}

_empty() {
    local status=0 left fix='end or move that work, or a longer kubernetes.rolling.drainTimeout'
    node_drain "$node" "$seconds" >/dev/null || status=$?
    if ((status == 0)); then return 0; fi
    if ((status == 2)); then REPLY="it is not Ready: $(_why_not)"; fi
    if [[ $REPLY == *--force* ]]; then
        fix='end them or move them, since nothing would start them elsewhere; jobs with GPUs: kubernetes.rolling.waitForJobs'
    fi
    left=$(node_left "$node")
    _give_back
    _no "node $node still has ${left//$'\n'/, } after $seconds s: $REPLY. Nothing was changed there, and it takes work as" \
        "before. Fix: $fix; then pulumi up goes on"
}

_give_back() {
    local mark
    mark=$(_mark_of)
    if [[ $mark != *' kept' ]]; then cluster_api uncordon "$node" >/dev/null; fi
    cluster_api annotate node "$node" "$_mark-" >/dev/null
}

node=$2 version=$3 seconds=$4 minutes=${5-0} resources=${6-} window=${7-} open=${8-}
"$1"
