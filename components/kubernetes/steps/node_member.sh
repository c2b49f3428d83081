# The node is Ready with the labels and taints of the site, and what let it in is void; that of a gone host is out.
# rows: K5 K7 K8 K10
# inputs: node address roles labels taints state
# bulk: joined
# uses: kubernetes
#
# Runs on a control plane. `joined` is not read: it changes when the node joins anew, and then this step runs again.
# Labels and taints of others stay. Ours are not undone: they go with the node.
# Undone, on a control plane that stays: the node is drained, taken out of etcd and out of the cluster.

check() {
    local faults node
    if [[ -e $(_former) ]]; then untrue "$(input node) is still in the ledger of an earlier release's layer"; fi
    if _gone; then
        _is_out
        return 0
    fi
    node=$(_node)
    faults=$(_faults "$node")
    if [[ -n $faults ]]; then untrue "${faults//$'\n'/; }"; fi
    faults=$(_way_in)
    if [[ -n $faults ]]; then untrue "what let $(input node) in is still valid: ${faults//$'\n'/ }"; fi
}

apply() {
    local way_in node
    rm -f -- "$(_former)"
    if _gone; then
        _take_out
        return 0
    fi
    node=$(_node)
    _set "$node"
    _await_ready
    way_in=$(_way_in)
    # shellcheck disable=SC2086 # one word is one secret
    if [[ -n $way_in ]]; then cluster_api -n kube-system delete --ignore-not-found $way_in; fi
}

undo() {
    local members
    # Its node has left already.
    if _gone; then return 0; fi
    # A control plane that is removed as a whole takes only itself out of the cluster.
    if [[ $(verb) == remove && $(input node) != "$(<"$GPU_METAL_HOME/identity")" ]]; then return 0; fi
    # Without a cluster, or as its last control plane, it ends with this host.
    if [[ ! -s /etc/kubernetes/admin.conf ]]; then return 0; fi
    if _controls; then
        members=$(etcd_members)
        if [[ $members != *$'\n'* ]] || _others_left "$members"; then return 0; fi
    fi
    _take_out
}

# Earlier releases had a layer for each node. Pulumi deletes its resource after this step: without its ledger that
# changes nothing; with it, it would drain the node and take it out.
_former() { printf '%s\n' "$GPU_METAL_HOME/ledger/member-$(input node)"; }

_gone() { [[ $(input state active) == gone ]]; }

_controls() { [[ ,$(input roles), == *,control-plane,* ]]; }

_fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

_node() { node_seen "$(input node)"; }
_of() { sed -n "s/^$1 //p" <<<"$2"; } # KIND NODE
_lines() { printf '%s\n' "$1" | tr ',' '\n' | sed '/^$/d; s/=:/:/'; }
_among() { [[ $'\n'$1$'\n' == *$'\n'"$2"$'\n'* ]]; }
_labels() { _lines "$(input labels)"; }

# kubeadm's own taint is ours to set and to take away: away where work may run.
_taints() {
    {
        _lines "$(input taints)"
        if [[ ,$(input roles), != *,worker,* ]]; then echo node-role.kubernetes.io/control-plane:NoSchedule; fi
    } | sort -u
}

# A label is known by its key, a taint by `key:Effect`.
_label_keys() { cut -d= -f1 | sort -u; }
_taint_keys() { sed 's/=[^:]*:/:/' | sort -u; }

# Keys that were ours and are no longer: no other may go.
_dropped_labels() { comm -13 <(_labels | _label_keys) <(_lines "$(previous labels '')" | _label_keys); }
_dropped_taints() {
    comm -13 <(_taints | _taint_keys) <({
        _lines "$(previous taints '')"
        echo node-role.kubernetes.io/control-plane:NoSchedule
    } | _taint_keys)
}

# _still KIND NODE: of the dropped ones those that the node has
_still() { comm -12 <("_dropped_$1s") <(_of "$1" "$2" | "_$1_keys"); }

_faults() { # NODE
    local kind one there
    if [[ -z $1 ]]; then
        printf 'the cluster has no node %s\n' "$(input node)"
        return 0
    fi
    for kind in label taint; do
        there=$(_of "$kind" "$1")
        while IFS= read -r one; do
            if ! _among "$there" "$one"; then printf '%s %s is absent, or has another value\n' "$kind" "$one"; fi
        done < <("_${kind}s")
        while IFS= read -r one; do
            printf '%s %s is there, the site does not give it\n' "$kind" "$one"
        done < <(_still "$kind" "$1")
    done
    if [[ $(_of ready "$1") == True* ]]; then return 0; fi
    # After a mend or a reboot it passes by itself, and is called that.
    there=$(if _alive; then echo ' yet (its kubelet is alive: ask again in a minute)'; fi)
    printf 'node %s is not Ready%s: %s\n' "$(input node)" "$there" "$(_why "$(_of ready "$1")")"
}

_why() { # STATUS MESSAGE
    local why=${1#* }
    printf '%s\n' "${why:-its kubelet has said nothing yet}"
}

_set() { # NODE
    local -a changes
    mapfile -t changes < <(
        _labels
        _still label "$1" | sed 's/$/-/'
    )
    if ((${#changes[@]})); then cluster_api label node "$(input node)" --overwrite "${changes[@]}"; fi
    mapfile -t changes < <(
        _taints
        _still taint "$1" | sed 's/$/-/'
    )
    if ((${#changes[@]})); then cluster_api taint node "$(input node)" --overwrite "${changes[@]}"; fi
}

_await_ready() {
    local ready said before='' deadline=$((SECONDS + 300))
    while ((SECONDS < deadline)); do
        ready=$(_of ready "$(_node)")
        if [[ $ready == True* ]]; then return 0; fi
        said=$(_why "$ready")
        if [[ $said != "$before" ]]; then printf 'waits for node %s: %s\n' "$(input node)" "$said"; fi
        before=$said
        sleep 3
    done
    _fail "node $(input node) is not Ready after 300 s: $said. Fix: there, journalctl -u kubelet -n 50"
}

# The bootstrap token of this node's ticket; for a control plane also the certificates that were lent to it.
_way_in() {
    local controls=no
    if _controls; then controls=yes; fi
    once secrets _secrets |
        awk -v ours="gpu-metal $(input node)" -v controls="$controls" '
            { name = $1; type = $2; $1 = $2 = ""; sub(/^ +/, "") }
            type == "bootstrap.kubernetes.io/token" && $0 == ours { print "secret/" name }
            controls == "yes" && (name == "kubeadm-certs" || /^Proxy for managing TTL for the kubeadm-certs secret/) {
                print "secret/" name
            }'
}

_secrets() {
    local description='{{with .data}}{{with .description}}{{. | base64decode}}{{end}}{{end}}'
    cluster_api -n kube-system get secrets \
        -o go-template="{{range .items}}{{.metadata.name}} {{.type}} $description{{\"\n\"}}{{end}}"
}

_is_out() {
    local members node
    node=$(cluster_api get node "$(input node)" --ignore-not-found -o name)
    if [[ -n $node ]]; then untrue "$(input node) is gone, and still a node of the cluster"; fi
    if ! _controls; then return 0; fi
    members=$(etcd_members)
    if _its_own <<<"$members" >/dev/null; then untrue "$(input node) is gone, and still a member of etcd"; fi
}

_take_out() {
    local node members=''
    if _controls; then
        members=$(etcd_members)
        _keeps_quorum "$members"
    fi
    # Apart: in a condition, an API server that does not answer would pass for a node that is not there.
    node=$(cluster_api get node "$(input node)" --ignore-not-found -o name)
    if [[ -n $node ]]; then _empty "$members"; fi
    if _others_left "$members"; then return 0; fi
    _bar
    cluster_api delete node "$(input node)" --ignore-not-found
    _leave_etcd "$members"
}

# A kubelet renews its lease every 10 s: Ready alone lags by 40 s and more. While the API server does not answer, a node
# counts as alive: pods of a dead one are deleted by force. The lease has the time of the node's own clock.
_alive() {
    local renewed age
    renewed=$(_renewed) || return 0
    [[ -n $renewed ]] && age=$(($(date +%s) - $(date -d "$renewed" +%s))) && ((age > -35 && age < 35))
}

# Is a node whose lease looks old alive all the same, and its clock wrong? Then the lease changes. Ready is Unknown once it
# has not changed for 40 s, whatever the clocks say.
_renews() {
    local before
    before=$(_renewed) || return 0
    if [[ -z $before || $(_of ready "$(_node)") == Unknown* ]]; then return 1; fi
    for _ in {1..4}; do sleep 4 && if [[ $(_renewed || true) != "$before" ]]; then return 0; fi; done
    return 1
}

_renewed() { cluster_api -n kube-node-lease get lease "$(input node)" --ignore-not-found -o 'jsonpath={.spec.renewTime}'; }

# Work moves off a living node; from a dead one it is only forgotten.
_empty() { # MEMBERS
    local node said='' begun=$SECONDS deadline=$((SECONDS + 300))
    node=$(input node)
    while ((SECONDS < deadline)); do
        if ! _alive && ! _renews; then
            printf 'node %s is dead: its pods are forgotten, not drained\n' "$node"
            cluster_api delete pods --all-namespaces --field-selector "spec.nodeName=$node" --force --grace-period=0
            return 0
        fi
        said=$(cluster_api --request-timeout=0 drain "$node" --ignore-daemonsets --delete-emptydir-data --timeout=60s 2>&1) &&
            return 0
        # What no controller would start again elsewhere: to wait changes nothing.
        if [[ $said == *'use --force to override'* ]]; then break; fi
        if _others_left "$1"; then return 0; fi
        printf 'waits for node %s to be empty: %s\n' "$node" "${said##*$'\n'}"
        sleep 2
    done
    cluster_api uncordon "$node"
    _fail "node $node is not empty after $((SECONDS - begun)) s, and takes work again: ${said##*$'\n'}" \
        "Fix: end or move that work, then pulumi up"
}

# A kubelet that comes back still has its certificate: it may not register again until a ticket admits it.
_bar() {
    cluster_api apply -f - <<'END'
apiVersion: v1
kind: ConfigMap
metadata: {name: gpu-metal-gone, namespace: kube-system}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: gpu-metal-gone}
spec:
  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [nodes]}
  validations:
    - expression: "!has(params.data) || !(object.metadata.name in params.data)"
      message: this node was taken out of the cluster; it joins again by pulumi up
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: gpu-metal-gone}
spec:
  policyName: gpu-metal-gone
  paramRef: {name: gpu-metal-gone, namespace: kube-system, parameterNotFoundAction: Allow}
  validationActions: [Deny]
END
    cluster_api -n kube-system patch configmap gpu-metal-gone --type merge \
        --patch "{\"data\":{\"$(input node)\":\"$(date -u +%FT%TZ)\"}}"
}

# By its address, or by its name: in a cluster that others made, members may speak by other addresses than the site's.
_its_own() { grep -F "${@}" -e "\"https://$(input address):2380\"" -e "\"name\":\"$(input node)\""; }

# A site is destroyed on all hosts at once: has each other control plane been removed, and the cluster ends with this one?
_others_left() { # MEMBERS
    local host others
    others=$(_its_own -v <<<"$1" | sed -n 's|.*"peerURLs":\["https://\([^"]*\):[0-9]*".*|\1|p')
    if [[ $(verb) != remove || -z $others ]]; then return 1; fi
    for host in $others; do if ! ports_closed "$host" 2379 10250; then return 1; fi; done
}

_keeps_quorum() {
    local member url others=0 healthy=0
    if ! _its_own <<<"$1" >/dev/null; then return 0; fi
    while IFS= read -r member; do
        others=$((others + 1))
        url=$(sed -n 's/.*"clientURLs":\["\([^"]*\)".*/\1/p' <<<"$member")
        if [[ -n $url ]] && etcd_call "$url/health" >/dev/null 2>&1; then healthy=$((healthy + 1)); fi
    done < <(_its_own -v <<<"$1")
    if ((healthy < others / 2 + 1)); then
        _fail "$(input node) stays: etcd has $((others + 1)) members, and of the $others others only $healthy answer;" \
            "without it there would be no majority. Fix: bring the others back first"
    fi
}

_leave_etcd() {
    local id
    while read -r id; do
        etcd_call https://127.0.0.1:2379/v3/cluster/member/remove --data "{\"ID\":\"$id\"}" >/dev/null
    done < <(_its_own <<<"$1" | sed -n 's/.*"ID":"\([0-9]*\)".*/\1/p')
}
