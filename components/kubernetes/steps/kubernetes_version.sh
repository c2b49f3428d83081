# A host that is a member of a cluster has the version of Kubernetes that the site names.
# rows: K1 K9
# inputs: version node role ignore backup
# limit: 5400
# uses: kubernetes
#
# Another version upgrades the member as kubeadm documents it: kubeadm's package, the control plane's pods or the worker's
# configuration, then the kubelet. `pulumi up` gives it its turn first, by an annotation of its node (turn.sh): the pods
# have moved away then. Without a turn nothing is changed. The mark /etc/kubernetes/gpu-metal/upgrading is there from the
# first change to the last, so that a run that was killed is resumed.
# https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-upgrade/
#
# One that was taken out, and is there again, joins anew with the site's version: it has nothing to be upgraded.
#
# Not undone: Kubernetes does not go back to an older version.
# Where no package has the kubelet, as with some installers, the kubelet itself prints its version. A member without a
# kubelet gets the site's version: it has none to be compared with.

_upgrading=/etc/kubernetes/gpu-metal/upgrading
_turn=/usr/local/sbin/gpu-metal-turn

check() {
    local wanted seen why
    wanted=$(input version)
    if ! _is_member; then return 0; fi
    seen=$(_seen)
    if [[ -n $seen && $seen != "$wanted" ]]; then
        why=$(version_forbidden "$seen" "$wanted")
        untrue "this member runs Kubernetes $seen, wants $wanted; ${why:-pulumi up upgrades it}"
    fi
    if [[ -s $_upgrading ]]; then untrue "an upgrade to $(<$_upgrading) began here and did not end; pulumi up goes on"; fi
    seen=$(_server_image)
    if [[ -n $seen && $seen != "v$wanted" ]]; then untrue "its API server is of version $seen, wants v$wanted"; fi
    # The hooks of `pulumi up` end it, after this step.
    if [[ $(verb) != check ]]; then return 0; fi
    seen=$(_mark 2>/dev/null) || true
    if [[ -n $seen ]]; then
        untrue "its turn in an upgrade to ${seen%% *} did not end, so it may take no new work. Fix: sitectl drift --record, then pulumi up"
    fi
}

apply() {
    local wanted seen why
    wanted=$(input version)
    if ! _is_member; then return 0; fi
    seen=$(_seen)
    why=$(version_forbidden "${seen:-$wanted}" "$wanted")
    if [[ -n $why ]]; then _fail "this member runs Kubernetes $seen, wants $wanted; $why"; fi
    _refuse_older_server "$wanted"
    _need_turn "$wanted"
    if [[ $(input role) == control-plane ]]; then _need_backup "$wanted"; fi
    _aside
    if [[ ! -s $_upgrading ]]; then write_file $_upgrading 0600 <<<"$wanted"; fi
    _bring "kubeadm=$wanted-*"
    if [[ $(input role) == control-plane ]]; then _control_plane "$wanted"; else _kubeadm node; fi
    _bring "kubelet=$wanted-*" "kubectl=$wanted-*"
    systemctl daemon-reload
    systemctl restart kubelet
    _await_ready "$wanted"
    rm -f $_upgrading
}

# One control plane is away at a time; what it was answering has ended by then. Another one may be renewing its
# certificates, or restarting.
_aside() {
    local said
    if [[ ! -x $_turn || $(input role) != control-plane ]]; then return 0; fi
    trap _back EXIT
    said=$($_turn aside 'is upgraded' 1500 2>&1) || _fail "$said. Nothing was changed. Fix: bring that to its end, then pulumi up goes on"
}

# Says what it waits for, and that nothing came of it. Whether the upgrade succeeded does not depend on it.
_back() {
    local line
    $_turn back 2>&1 | while IFS= read -r line; do remark "$line"; done || true
}

_is_member() { [[ -s /etc/kubernetes/kubelet.conf && ! -s /etc/kubernetes/gpu-metal/begun ]] && ! taken_out; }

_fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

_seen() {
    local package
    package=$(pkg_version kubelet)
    if [[ -n $package ]]; then
        printf '%s\n' "${package%%-*}"
    elif command -v kubelet >/dev/null; then
        kubelet --version | sed -n 's/^Kubernetes v//p'
    fi
}

# On a control plane: the version in the image's tag; nothing where that is no version
_server_image() {
    sed -nE 's|^ +image: .*/kube-apiserver:(v[0-9]+\.[0-9]+\.[0-9]+)$|\1|p' /etc/kubernetes/manifests/kube-apiserver.yaml \
        2>/dev/null || true
}

# An upgrade that was killed may have changed the API server and not the kubelet. kubeadm itself would go back.
_refuse_older_server() { # WANTED
    local seen why
    seen=$(_server_image)
    if [[ -z $seen ]]; then return 0; fi
    why=$(version_forbidden "${seen#v}" "$1")
    if [[ $why == *'older version'* ]]; then _fail "its API server is of version ${seen#v}, wants $1; $why"; fi
}

_mark() { _own '{{with .metadata.annotations}}{{with index . "gpu-metal/upgrade"}}{{.}}{{end}}{{end}}'; }

# A kubelet may read its own node.
_need_turn() { # WANTED
    local turn
    turn=$(_mark) ||
        _fail "the API server does not show node $(input node), so the upgrade of this member cannot begin. Nothing was changed"
    if [[ ${turn%% *} == "$1" ]]; then return 0; fi
    _fail "this member runs Kubernetes $(_seen), wants $1, and has no turn: pulumi up gives one only to nodes that the stack's" \
        "state has in another version. Nothing was changed. Fix: if this is so of all members, as after a lost state, put" \
        "$(_seen) as kubernetes.version, pulumi up, then $1 again; of this one: state: gone, pulumi up, then without it: it" \
        "joins anew"
}

# The data of etcd as they were, where the site has backups: the first control plane makes one
_need_backup() { # WANTED
    local said
    if [[ $(input backup no) != yes || -s $_upgrading || $(_cluster_version) == "v$1" ]]; then return 0; fi
    if [[ ! -e /etc/systemd/system/gpu-metal-backup.service ]]; then
        _fail "the cluster is to be backed up before its upgrade, and kubernetes.backup is not applied here yet. Nothing was" \
            "changed. Fix: put $(_seen) as kubernetes.version, pulumi up, then $1 again"
    fi
    systemctl start gpu-metal-backup.service && return 0
    said=$(journalctl -t gpu-metal-backup -n 1 -o cat 2>/dev/null) || true
    _fail "the backup before the upgrade failed: ${said:-journalctl -u gpu-metal-backup says why}. Nothing was changed"
}

# What kubeadm-config of the cluster says. The first control plane sets it.
_cluster_version() {
    cluster_api -n kube-system get configmap kubeadm-config -o 'jsonpath={.data.ClusterConfiguration}' |
        sed -n 's/^kubernetesVersion: *//p'
}

# `apply` is for the cluster's first control plane and for one on which it was cut off: it alone ends what it began there.
# Certificates are for the step certificates to renew: kubeadm would sign anew what another authority signed, and with
# another admin.conf, nothing would read the stack's copy of it anew before that ends.
_control_plane() { # WANTED
    local mark=/etc/kubernetes/gpu-metal/upgrading-cluster seen
    seen=$(_cluster_version)
    if [[ ! -e $mark && $seen == "v$1" ]]; then
        _kubeadm node --certificate-renewal=false
        return 0
    fi
    write_file $mark 0600 <<<"$1"
    _kubeadm apply "v$1" --yes --certificate-renewal=false
    rm -f $mark
}

# kubeadm's own preflight checks come before its first change. It proves with a Job that the cluster takes work, and every
# node that takes any may have taints that such a Job does not tolerate.
_kubeadm() {
    local ignore
    ignore=$(input ignore '')
    if [[ $1 == apply && -z $(_open_nodes) ]]; then ignore+=${ignore:+,}CreateJob; fi
    kubeadm upgrade "$@" ${ignore:+"--ignore-preflight-errors=$ignore"}
}

# The nodes for which a Job of kubeadm needs no toleration beyond its own, of control planes
_open_nodes() {
    cluster_api get nodes -o go-template='{{range .items}}{{.metadata.name}}{{if .spec.unschedulable}} closed{{end}}
{{- range .spec.taints}}{{if ne .effect "PreferNoSchedule"}} {{.key}}{{end}}{{end}}{{"\n"}}{{end}}' |
        awk '{ for (i = 2; i <= NF; i++) if ($i != "node-role.kubernetes.io/control-plane") next; print $1 }'
}

# Holds stay, or come back with the step `packages`. Package lists may be older than the version.
_bring() {
    local word missing=()
    for word in "$@"; do
        if ! pkg_right "$word"; then missing+=("$word"); fi
    done
    if ((${#missing[@]} == 0)) || pkg_install "${missing[@]}"; then return 0; fi
    pkg_update
    pkg_install "${missing[@]}"
}

_own() {
    kubectl --kubeconfig /etc/kubernetes/kubelet.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=10s \
        get node "$(input node)" -o "go-template=$1"
}

_await_ready() { # WANTED
    local seen deadline=$((SECONDS + 300))
    while :; do
        seen=$(_own '{{.status.nodeInfo.kubeletVersion}}{{range .status.conditions}}{{if eq .type "Ready"}} {{.status}} {{.message}}{{end}}{{end}}' \
            2>&1) || true
        if [[ $seen == "v$1 True "* ]]; then return 0; fi
        if ((SECONDS >= deadline)); then break; fi
        sleep 3
    done
    _fail "node $(input node) is upgraded, but was not Ready with v$1 after 300 s: ${seen##*$'\n'}. It takes no new work, and no" \
        "later node was begun. Fix: journalctl -u kubelet -n 50 here, mend that, then pulumi up goes on"
}
