# No container that would be harmed runs while a package changes its version, which restarts the engine or reloads systemd.
# rows: C1 G8 K16
# inputs: names engine replaces
# uses: host engine
#
# Those are containers with GPUs; all of Docker's, if `engine` is docker and it does not carry them over a restart; and a
# cluster's pods, if `engine` is containerd, whose packages may come in place of those in `replaces`: a node is emptied for
# it, by `pulumi up` (which gives it its turn by an annotation) or by people. What is left there are pods of DaemonSets, such
# as a device plugin, and static ones: of these only those count that would lose their GPUs.

check() {
    local word change running which
    # Only what is about to change counts. That something differs now, the step `packages` says.
    if [[ $(verb) == check ]]; then return; fi
    for word in $(input names); do
        change=$(_change "$word") which=() running=''
        if [[ -z $change ]]; then continue; fi
        if [[ -s /etc/kubernetes/kubelet.conf ]]; then
            if _emptied "$word"; then which=(losing); elif [[ $(input engine '') == containerd ]]; then _spare_pods "$change" "$REPLY"; fi
        fi
        if running=$(gpu_containers "${which[@]}"); then
            untrue "$change, and containers with GPUs run: ${running//$'\n'/, }." \
                "Nothing was changed. Fix: drain or stop them, then pulumi up"
        fi
        if [[ $(input engine '') == docker ]]; then running=$(engine_stops); fi
        if [[ -n $running ]]; then
            untrue "$change, which would stop containers: ${running//$'\n'/, }." \
                "Nothing was changed. Fix: docker stop ${running//$'\n'/ }, then pulumi up; docker start brings them back"
        fi
    done
}

# _change WORD: how the installed package changes, in words; nothing where none is installed, or it stays
_change() {
    local name=${1%%=*} seen other
    seen=$(pkg_version "$name")
    if [[ -n $seen ]]; then
        if ! pkg_right "$1" "$seen"; then printf '%s is to change from %s to %s' "$name" "$seen" "${1#*=}"; fi
        return
    fi
    for other in $(input replaces ''); do
        seen=$(pkg_version "$other")
        if [[ -n $seen ]]; then
            printf '%s %s is to be replaced by %s' "$other" "$seen" "$1"
            return
        fi
    done
}

# _emptied WORD: is this node of a cluster emptied, in its turn for the package WORD or by people? Status 1 and in REPLY why
# not. What the cluster does not have as a node has no work.
_emptied() {
    local seen state turn pods node
    node=$(uname -n)
    if ! seen=$(_ask get node "$node" --ignore-not-found -o 'go-template={{if .spec.unschedulable}}cordoned{{else}}open{{end}}
{{- with .metadata.annotations}}{{with index . "gpu-metal/upgrade"}} {{.}}{{end}}{{end}}' 2>&1); then
        REPLY="the API server does not show node $node: ${seen##*$'\n'}"
        return 1
    fi
    read -r state turn _ <<<"$seen" || true
    if [[ -z $seen || $turn == "$1" ]]; then return; fi
    REPLY="node $node has no turn and takes work"
    if [[ $state != cordoned ]]; then return 1; fi
    if ! pods=$(_ask get pods --all-namespaces --field-selector "spec.nodeName=$node,status.phase!=Succeeded,status.phase!=Failed" -o \
        'jsonpath={range .items[*]}{.metadata.ownerReferences[0].kind} {.metadata.namespace}/{.metadata.name}{"\n"}{end}' 2>&1); then
        REPLY="the API server does not show the pods of node $node: ${pods##*$'\n'}"
        return 1
    fi
    pods=$(sed -nE '/^(DaemonSet|Node) /!s/^\w* //p' <<<"$pods")
    REPLY="node $node has no turn and still has pods ($(wc -l <<<"$pods"), as ${pods%%$'\n'*})"
    [[ -z $pods ]]
}

_ask() { kubectl --kubeconfig /etc/kubernetes/kubelet.conf --request-timeout=10s "$@"; }

# Without the word of `pulumi up`, as with a state that was lost, nobody has drained the node, and all would change at once.
_spare_pods() { # CHANGE WHY
    if ! pgrep -f '^[^ ]*containerd-shim[^ ]* .*-namespace k8s\.io ' >/dev/null; then return; fi
    untrue "$1 under running pods, and $2. pulumi up gives a turn only to members that the stack's state has with another" \
        "package. Nothing was changed. Fix: if this is so of all members, as after a lost state, write the engine in the site" \
        "as it was, pulumi up, then the new one again; of this one: kubectl drain $(uname -n) --ignore-daemonsets" \
        "--delete-emptydir-data; pulumi up; kubectl uncordon $(uname -n)"
}
