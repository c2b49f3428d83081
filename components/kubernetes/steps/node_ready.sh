# The node is Ready, and nothing that let it in is valid any longer; that of a host that is gone is out of the cluster.
# rows: K5 K8 K10
# inputs: node address controlPlane state
#
# Undone, on a control plane that stays: the node is drained, taken out of etcd and out of the cluster.

check() {
    local node seen
    node=$(input node)
    if _gone; then
        _is_out
        return 0
    fi
    seen=$(_ready)
    if [[ $seen != True ]]; then untrue "node $node is not Ready: $(_why)"; fi
    seen=$(_way_in)
    if [[ -n $seen ]]; then untrue "what let $node in is still valid: ${seen//$'\n'/ }"; fi
}

apply() {
    local way_in
    if _gone; then
        _take_out
        return 0
    fi
    _await_ready
    way_in=$(_way_in)
    # shellcheck disable=SC2086 # one word is one secret
    if [[ -n $way_in ]]; then _api -n kube-system delete --ignore-not-found $way_in; fi
}

undo() {
    local members
    # Its node has left already.
    if _gone; then return 0; fi
    # A host that is given up as a whole takes itself out, and leaves the other nodes alone.
    if [[ $(verb) == remove && $(input node) != "$(<"$GPU_METAL_HOME/identity")" ]]; then return 0; fi
    # Without a cluster, or as its last control plane, it ends with this host.
    if [[ ! -s /etc/kubernetes/admin.conf ]]; then return 0; fi
    if [[ $(input controlPlane) == yes ]]; then
        members=$(_members)
        if [[ $members != *$'\n'* ]]; then return 0; fi
    fi
    _take_out
}

_gone() { [[ $(input state active) == gone ]]; }

_is_out() {
    local members node
    node=$(_api get node "$(input node)" --ignore-not-found -o name)
    if [[ -n $node ]]; then untrue "$(input node) is gone, and still a node of the cluster"; fi
    if [[ $(input controlPlane) == no ]]; then return 0; fi
    members=$(_members)
    if _at_its_address <<<"$members" >/dev/null; then untrue "$(input node) is gone, and still a member of etcd"; fi
}

_take_out() {
    local members=''
    if [[ $(input controlPlane) == yes ]]; then
        members=$(_members)
        _keeps_quorum "$members"
    fi
    if [[ -n $(_api get node "$(input node)" --ignore-not-found -o name) ]]; then _empty; fi
    _bar
    _api delete node "$(input node)" --ignore-not-found
    _leave_etcd "$members"
}

# An API server that flaps costs time, not the run.
_api() {
    local deadline=$((SECONDS + 30))
    until _kubectl get --raw /readyz >/dev/null 2>&1 || ((SECONDS > deadline)); do sleep 2; done
    _kubectl "$@"
}

_kubectl() {
    kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=20s "$@"
}

_fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

_ready() {
    _api get node "$(input node)" --ignore-not-found -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
}

_why() {
    local said
    said=$(_api get node "$(input node)" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].message}' 2>&1) || true
    printf '%s' "${said:-its kubelet has said nothing yet}"
}

_await_ready() {
    local said before='' deadline=$((SECONDS + 300))
    while ((SECONDS < deadline)); do
        if [[ $(_ready) == True ]]; then return 0; fi
        said=$(_why)
        if [[ $said != "$before" ]]; then printf 'waits for node %s: %s\n' "$(input node)" "$said"; fi
        before=$said
        sleep 3
    done
    _fail "node $(input node) is not Ready after 300 s: $said. Fix: there, journalctl -u kubelet -n 50"
}

# The bootstrap token of this node's ticket; for a control plane also the certificates that were lent to it.
_way_in() {
    local description='{{with .data}}{{with .description}}{{. | base64decode}}{{end}}{{end}}'
    _api -n kube-system get secrets \
        -o go-template="{{range .items}}{{.metadata.name}} {{.type}} $description{{\"\n\"}}{{end}}" |
        awk -v ours="gpu-metal $(input node)" -v controls="$(input controlPlane)" '
      { name = $1; type = $2; $1 = $2 = ""; sub(/^ +/, "") }
      type == "bootstrap.kubernetes.io/token" && $0 == ours { print "secret/" name }
      controls == "yes" && (name == "kubeadm-certs" || /^Proxy for managing TTL for the kubeadm-certs secret/) {
        print "secret/" name
      }'
}

# A kubelet renews its lease every 10 s: Ready alone lags by 40 s and more.
_alive() {
    local renewed
    renewed=$(_api -n kube-node-lease get lease "$(input node)" --ignore-not-found -o 'jsonpath={.spec.renewTime}')
    [[ -n $renewed ]] && (($(date +%s) - $(date -d "$renewed" +%s) < 35))
}

# Work moves off a living node; from a dead one it is only forgotten.
_empty() {
    local node said='' begun=$SECONDS deadline=$((SECONDS + 300))
    node=$(input node)
    while ((SECONDS < deadline)); do
        if ! _alive; then
            printf 'node %s is dead: its pods are forgotten, not drained\n' "$node"
            _api delete pods --all-namespaces --field-selector "spec.nodeName=$node" --force --grace-period=0
            return 0
        fi
        said=$(_api --request-timeout=0 drain "$node" --ignore-daemonsets --delete-emptydir-data --timeout=60s 2>&1) &&
            return 0
        # What no controller would start again elsewhere: to wait changes nothing.
        if [[ $said == *'use --force to override'* ]]; then break; fi
        printf 'waits for node %s to be empty: %s\n' "$node" "${said##*$'\n'}"
        sleep 2
    done
    _api uncordon "$node"
    _fail "node $node is not empty after $((SECONDS - begun)) s, and takes work again: ${said##*$'\n'}" \
        "Fix: end or move that work, then pulumi up"
}

# A kubelet that comes back has its certificate still: it may not register again until a ticket admits it.
_bar() {
    _api apply -f - <<'END'
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
    _api -n kube-system patch configmap gpu-metal-gone --type merge \
        --patch "{\"data\":{\"$(input node)\":\"$(date -u +%FT%TZ)\"}}"
}

# etcd's own HTTP door: no etcdctl is needed, and no API server.
_etcd() {
    curl --silent --show-error --fail --max-time 20 --cacert /etc/kubernetes/pki/etcd/ca.crt \
        --cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key "$@"
}

# One `{"ID":"…", …}` a line
_members() { _etcd https://127.0.0.1:2379/v3/cluster/member/list --data '{}' | grep -o '{"ID"[^}]*}'; }

_at_its_address() { grep -F "\"https://$(input address):2380\""; }

_keeps_quorum() {
    local member url others=0 healthy=0
    if ! _at_its_address <<<"$1" >/dev/null; then return 0; fi
    while IFS= read -r member; do
        others=$((others + 1))
        url=$(sed -n 's/.*"clientURLs":\["\([^"]*\)".*/\1/p' <<<"$member")
        if [[ -n $url ]] && _etcd "$url/health" >/dev/null 2>&1; then healthy=$((healthy + 1)); fi
    done < <(grep -vF "\"https://$(input address):2380\"" <<<"$1")
    if ((healthy < others / 2 + 1)); then
        _fail "$(input node) stays: etcd has $((others + 1)) members, and of the $others others only $healthy answer;" \
            "without it there would be no majority. Fix: bring the others back first"
    fi
}

_leave_etcd() {
    local id
    id=$(sed -n "\,\"https://$(input address):2380\",s/.*\"ID\":\"\([0-9]*\)\".*/\1/p" <<<"$1")
    if [[ -n $id ]]; then _etcd https://127.0.0.1:2379/v3/cluster/member/remove --data "{\"ID\":\"$id\"}" >/dev/null; fi
}
