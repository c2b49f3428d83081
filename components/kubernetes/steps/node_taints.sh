# The node has the taints that the site gives it; taints of others stay as they are.
# rows: K7
# inputs: node taints controlPlaneTaint
#
# Not undone: taints are the node's, and go with it when it leaves the cluster.

check() {
    local taint there keys
    there=$(_taints)
    keys=$(printf '%s\n' "$there" | _keys)
    while IFS= read -r taint; do
        if ! _among "$there" "$taint"; then untrue "taint $taint is absent"; fi
    done < <(_wanted)
    while IFS= read -r taint; do
        if _among "$keys" "$taint"; then untrue "taint $taint is there, the site does not give it"; fi
    done < <(_dropped)
}

apply() {
    local there taint
    local -a changes
    there=$(_taints | _keys)
    mapfile -t changes < <(_wanted)
    while IFS= read -r taint; do
        if _among "$there" "$taint"; then changes+=("$taint-"); fi
    done < <(_dropped)
    _api taint node "$(input node)" --overwrite "${changes[@]}"
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

_lines() { printf '%s\n' "$1" | tr ',' '\n' | sed '/^$/d; s/=:/:/'; }

_among() { [[ $'\n'$1$'\n' == *$'\n'"$2"$'\n'* ]]; }

# kubeadm's own taint, as an input: present · absent · any
_control_plane_is() {
    if [[ $(input controlPlaneTaint) == "$1" ]]; then echo node-role.kubernetes.io/control-plane:NoSchedule; fi
}

_wanted() {
    _lines "$(input taints)"
    _control_plane_is present
}

# `key:Effect` of those that were ours and are no longer, and of kubeadm's own where work may run: no other may go.
_dropped() {
    comm -13 <(_wanted | _keys | sort) <({
        _lines "$(previous taints '')"
        _control_plane_is absent
    } | _keys | sort -u)
}

# One `key=value:Effect` or `key:Effect` a line
_taints() {
    _api get node "$(input node)" \
        -o go-template='{{range .spec.taints}}{{.key}}{{with .value}}={{.}}{{end}}:{{.effect}}{{"\n"}}{{end}}'
}

# `key:Effect`: by these a taint is known
_keys() { sed 's/=[^:]*:/:/'; }
