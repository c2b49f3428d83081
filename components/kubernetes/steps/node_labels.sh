# The node has the labels that the site gives it; labels of others stay as they are.
# rows: K7
# inputs: node labels
#
# Not undone: labels are the node's, and go with it when it leaves the cluster.

check() {
    local label there keys
    there=$(_labels)
    keys=$(printf '%s\n' "$there" | cut -d= -f1)
    while IFS= read -r label; do
        if ! _among "$there" "$label"; then untrue "label $label is absent, or has another value"; fi
    done < <(_wanted)
    while IFS= read -r label; do
        if _among "$keys" "$label"; then untrue "label $label is there, the site gives it no longer"; fi
    done < <(_dropped)
}

apply() {
    local -a changes
    mapfile -t changes < <(
        _wanted
        _dropped | sed 's/$/-/'
    )
    _api label node "$(input node)" --overwrite "${changes[@]}"
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

_lines() { printf '%s\n' "$1" | tr ',' '\n' | sed '/^$/d'; }

_wanted() { _lines "$(input labels)"; }

# Keys that were ours and are no longer: no other label may go.
_dropped() { comm -13 <(_wanted | cut -d= -f1 | sort) <(_lines "$(previous labels '')" | cut -d= -f1 | sort); }

_among() { [[ $'\n'$1$'\n' == *$'\n'"$2"$'\n'* ]]; }

# One `key=value` a line
_labels() {
    # shellcheck disable=SC2016 # $k and $v are the template's
    _api get node "$(input node)" -o go-template='{{range $k, $v := .metadata.labels}}{{$k}}={{$v}}{{"\n"}}{{end}}'
}
