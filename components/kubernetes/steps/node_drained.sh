# The node takes no new work, and the work that it had has moved: only DaemonSets and static pods are left.
# rows: K8
# inputs: node taints
# bulk: joined
# uses: kubernetes
#
# Runs on a control plane. `joined` is not read: it changes when the node joins anew, and then this step runs again.
# Of a node that is not Ready nothing is evicted: nobody there would end its pods.
# `taints` are platforms' own, given once the work has moved: NoExecute would end it at once, whatever a
# PodDisruptionBudget says. A node that is not Ready gets them too, so that its work starts elsewhere.
# Undone: the node takes work again, without these taints.

check() {
    local node left taint
    node=$(_node)
    if [[ -z $node ]]; then
        untrue "the cluster has no node $(input node)"
        return 0
    fi
    if [[ $node != *cordoned* ]]; then untrue "node $(input node) takes new work"; fi
    while IFS= read -r taint; do
        if [[ $'\n'$(_seen)$'\n' != *$'\n'"$taint"$'\n'* ]]; then untrue "node $(input node) has no taint $taint"; fi
    done < <(_taints)
    if [[ $node != *ready* ]]; then return 0; fi
    left=$(_left)
    if [[ -n $left ]]; then untrue "node $(input node) still has ${left//$'\n'/, }"; fi
}

apply() {
    local said='' blocked before='' left begun=$SECONDS deadline=$((SECONDS + 300))
    cluster_api cordon "$(input node)"
    while ((SECONDS < deadline)); do
        if [[ $(_node) != *ready* ]]; then
            printf 'node %s is not Ready: it takes no new work, and its pods stay as they are\n' "$(input node)"
            _taint
            return 0
        fi
        said=$(cluster_api --request-timeout=0 drain "$(input node)" --ignore-daemonsets --delete-emptydir-data \
            --timeout=60s 2>&1) && _taint && return 0
        # No controller would start them again elsewhere: to wait changes nothing.
        if [[ $said == *'use --force to override'* ]]; then break; fi
        blocked=$(_blocked "$said")
        if [[ $blocked != "$before" ]]; then printf 'waits for node %s: %s\n' "$(input node)" "${blocked:-its pods end}"; fi
        before=$blocked
        sleep 2
    done
    left=$(_left)
    printf 'node %s takes no new work, but after %d s still has %s: %s. %s\n' "$(input node)" "$((SECONDS - begun))" \
        "${left//$'\n'/, }" "$(_why "$said")" 'Fix: end or move that work, then pulumi up goes on' >&2
    exit 1
}

undo() {
    local -a taints
    # A control plane that is removed as a whole, or whose cluster has ended, changes no other node.
    if [[ $(verb) == remove && $(input node) != "$(<"$GPU_METAL_HOME/identity")" ]]; then return 0; fi
    if [[ ! -s /etc/kubernetes/admin.conf || -z $(_node) ]]; then return 0; fi
    mapfile -t taints < <(comm -12 <(_taints) <(_seen) | sed -E 's/(=[^:]*)?:/:/; s/$/-/')
    if ((${#taints[@]})); then cluster_api taint node "$(input node)" "${taints[@]}"; fi
    cluster_api uncordon "$(input node)"
}

_taints() { input taints '' | tr ',' '\n' | sed '/^$/d; s/=:/:/' | LC_ALL=C sort; }

# The taints of the node, KEY=VALUE:EFFECT a line
_seen() {
    cluster_api get node "$(input node)" -o go-template='
{{- range .spec.taints}}{{.key}}{{with .value}}={{.}}{{end}}:{{.effect}}{{"\n"}}{{end}}' | LC_ALL=C sort
}

_taint() {
    local -a taints
    mapfile -t taints < <(_taints)
    if ((${#taints[@]})); then cluster_api taint node "$(input node)" --overwrite "${taints[@]}"; fi
}

# `node`, `cordoned` and `ready` as far as they are true; nothing when the cluster has no such node
_node() {
    cluster_api get node "$(input node)" --ignore-not-found -o go-template='node
{{- if .spec.unschedulable}} cordoned{{end}}
{{- range .status.conditions}}{{if and (eq .type "Ready") (eq .status "True")}} ready{{end}}{{end}}'
}

# The pods that a drain moves: NAMESPACE/NAME a line
_left() {
    cluster_api get pods --all-namespaces --field-selector "spec.nodeName=$(input node)" -o go-template='
{{- range .items}}{{.status.phase}} -{{range .metadata.ownerReferences}}{{.kind}}{{end}}
{{- with .metadata.annotations}}{{if index . "kubernetes.io/config.mirror"}}Mirror{{end}}{{end}} {{.metadata.namespace}}/{{.metadata.name}}{{"\n"}}{{end}}' |
        awk '$1 != "Succeeded" && $1 != "Failed" && $2 !~ /DaemonSet|Mirror/ { print $3 }'
}

# The pods that a PodDisruptionBudget keeps, of what drain said
_blocked() {
    local pods
    pods=$(sed -nE 's/.*pods\/"([^"]+)" -n "([^"]+)".*disruption budget.*/\2\/\1/p' <<<"$1" | sort -u)
    if [[ -n $pods ]]; then printf 'a PodDisruptionBudget allows no eviction of %s' "${pods//$'\n'/, }"; fi
}

_why() {
    local blocked
    blocked=$(_blocked "$1")
    printf '%s' "${blocked:-${1##*$'\n'}}"
}
