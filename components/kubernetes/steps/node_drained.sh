# The node takes no new work, and the work that it had has moved: only DaemonSets and static pods are left.
# rows: K8
# inputs: node taints seconds minutes gpus limit
# bulk: joined
# uses: kubernetes
#
# Runs on a control plane. `joined` is not read: it changes when the node joins anew, and then this step runs again.
# Jobs with GPUs have `minutes` to end by themselves, then all pods have `seconds` to move away. `limit`: the step's own.
# Of a node that is not Ready nothing is evicted: nobody there would end its pods.
# `taints` are platforms' own, given once the work has moved: NoExecute would end it at once, whatever a
# PodDisruptionBudget says. A node that is not Ready gets them too, so that its work starts elsewhere.
# Undone: the node takes work again, without these taints.

check() {
    local node left taint
    node=$(node_condition "$(input node)")
    if [[ -z $node ]]; then
        untrue "the cluster has no node $(input node)"
        return 0
    fi
    if [[ $node != *cordoned* ]]; then untrue "node $(input node) takes new work"; fi
    while IFS= read -r taint; do
        if [[ $'\n'$(_seen)$'\n' != *$'\n'"$taint"$'\n'* ]]; then untrue "node $(input node) has no taint $taint"; fi
    done < <(_taints)
    if [[ $node != *ready* ]]; then return 0; fi
    left=$(node_left "$(input node)")
    if [[ -n $left ]]; then untrue "node $(input node) still has ${left//$'\n'/, }"; fi
}

apply() {
    local begun=$SECONDS status=0 left condition REPLY=''
    cluster_api cordon "$(input node)"
    condition=$(node_condition "$(input node)")
    if [[ $condition == *ready* ]]; then _await_jobs; fi
    node_drain "$(input node)" "$(input seconds)" || status=$?
    if ((status == 2)); then
        printf 'node %s is not Ready: it takes no new work, and its pods stay as they are\n' "$(input node)"
    elif ((status)); then
        left=$(node_left "$(input node)")
        printf 'node %s takes no new work, but after %d s still has %s: %s. %s\n' "$(input node)" "$((SECONDS - begun))" \
            "${left//$'\n'/, }" "$REPLY" \
            'Fix: end or move that work, or a longer kubernetes.rolling.drainTimeout; then pulumi up goes on' >&2
        exit 1
    fi
    _taint
}

undo() {
    local -a taints
    # A control plane that is removed as a whole, or whose cluster has ended, changes no other node.
    if [[ $(verb) == remove && $(input node) != "$(<"$GPU_METAL_HOME/identity")" ]]; then return 0; fi
    if [[ ! -s /etc/kubernetes/admin.conf || -z $(node_condition "$(input node)") ]]; then return 0; fi
    mapfile -t taints < <(comm -12 <(_taints) <(_seen) | sed -E 's/(=[^:]*)?:/:/; s/$/-/')
    if ((${#taints[@]})); then cluster_api taint node "$(input node)" "${taints[@]}"; fi
    cluster_api uncordon "$(input node)"
}

_await_jobs() {
    local left minutes REPLY=''
    minutes=$(input minutes 0)
    if node_await_jobs "$(input node)" "$minutes" "$(input gpus '')"; then return 0; fi
    left=$REPLY
    printf 'node %s takes no new work, but after %d min still has jobs with GPUs: %s. %s\n' "$(input node)" "$minutes" \
        "${left//$'\n'/, }" 'Fix: end them, or a longer kubernetes.rolling.waitForJobs; then pulumi up goes on' >&2
    exit 1
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
