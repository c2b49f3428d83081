# Nodes that offer fewer GPUs for pods than their hosts have get a taint, and lose it once they offer all of them.
# rows: M2
# bulk: offers
# uses: host kubernetes
#
# `offers` has a line NODE RESOURCE COUNT for each. A timer of each control plane asks the API server every minute; several
# control planes do the same without knowing of each other. The taint comes after three looks in a row, since a device
# plugin that restarts is away for a moment. A node whose plugin never came is let be: verify names it.
# No host can do this itself: the API server lets no kubelet change the taints of its node (NodeRestriction).
# Undone: the taint goes from all of these nodes.

_unit=gpu-metal-gpus-watched
_program_file=/usr/local/bin/$_unit
_list=/etc/kubernetes/gpu-metal/gpus-watched
_taint=gpu-metal/gpu-lost

check() {
    local lost
    if ! bulk offers | same_file "$_list"; then untrue "$_list is not what the site's hosts have"; fi
    if ! _program | same_file "$_program_file"; then untrue "$_program_file is not the one that looks at the nodes"; fi
    timer_check "$_unit" 'nodes that lose GPUs go on taking pods'
    if systemctl is-failed -q "$_unit.service"; then
        untrue "$_program_file fails. Fix: journalctl -u $_unit -n 20 says why"
    fi
    lost=$(_tainted)
    if [[ -n $lost ]]; then
        remark "${lost//$'\n'/, }: offers fewer GPUs than the site says, and takes no new pods." \
            "Fix: there, dmesg | grep -i -e nvrm -e xid"
    fi
}

apply() {
    local file
    for file in "$_list" "$_program_file"; do keep "$file"; done
    bulk offers | write_file "$_list" 0600
    _program | write_file "$_program_file" 0755
    timer_on "$_unit"
}

undo() {
    local file node
    timer_off "$_unit"
    # Where the cluster has ended, so have its nodes.
    for node in $(_tainted); do _cluster_kubectl taint node "$node" "$_taint:NoSchedule-" || true; done
    for file in "$_program_file" "$_list"; do restore "$file"; done
    rm -f "/run/gpu-metal/$_unit"
}

_tainted() {
    # shellcheck disable=SC2016 # $node is the template's
    _cluster_kubectl get nodes -o go-template='
{{- range .items}}{{$node := .metadata.name}}{{range .spec.taints}}{{if eq .key "'$_taint'"}}{{$node}}{{"\n"}}{{end}}{{end}}{{end}}' \
        2>/dev/null || true
}

_service() {
    printf '# gpu-metal\n[Unit]\nDescription=Taints of nodes that have lost GPUs, as the site says\n[Service]\n'
    printf 'Type=oneshot\nExecStart=%s\nTimeoutStartSec=50\n' "$_program_file"
}

_timer() {
    printf '# gpu-metal\n[Unit]\nDescription=Looks each minute whether nodes have lost GPUs\n[Timer]\n'
    printf 'OnActiveSec=1min\nOnUnitActiveSec=1min\nAccuracySec=10\n[Install]\nWantedBy=timers.target\n'
}

_program() {
    printf '#!/bin/bash\n# gpu-metal: taints nodes that offer fewer GPUs than %s says.\n' "$_list"
    # After a restart of the host it may be the first that makes /run/gpu-metal, which only root may look into.
    printf 'set -euo pipefail\numask 077\nlist=%s state=%s taint=%s\n' "$_list" "/run/gpu-metal/$_unit" "$_taint"
    _looking
    _acting
}

_looking() {
    cat <<'PROGRAM'
ask() { kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=15s "$@"; }
nodes=$(ask get nodes -o go-template='
{{- range .items}}{{$node := .metadata.name}}
{{- range $name, $count := .status.capacity}}has {{$node}} {{$name}} {{$count}}{{"\n"}}{{end}}
{{- range $name, $count := .status.allocatable}}offers {{$node}} {{$name}} {{$count}}{{"\n"}}{{end}}
{{- range .spec.taints}}taint {{$node}} {{.key}}{{"\n"}}{{end}}{{end}}')
mkdir -p "${state%/*}"
touch "$state"
PROGRAM
}

_acting() {
    cat <<'PROGRAM'
found=$(awk -v taint="$taint" '
    FILENAME == ARGV[1] { wanted[$1 " " $2] = $3; watched[$1]; next }
    FILENAME == ARGV[3] { looks[$1] = $2; next }
    $1 == "taint" { if ($3 == taint) tainted[$2]; next }
    { seen[$1 " " $2 " " $3] = $4 }
    END {
        for (pair in wanted) {
            split(pair, of, " ")
            if (!(("has " pair) in seen)) { unknown[of[1]]; continue }
            offered = seen["offers " pair] + 0
            if (offered < wanted[pair]) short[of[1]] = "offers " offered " of " wanted[pair] " " of[2]
        }
        for (node in short) {
            print "look", node, looks[node] + 1
            if (looks[node] >= 2 && !(node in tainted)) print "taint", node, short[node]
        }
        for (node in tainted) if (!(node in short) && !(node in unknown)) print "free", node
    }' "$list" <(printf '%s\n' "$nodes") "$state")
sed -n 's/^look //p' <<<"$found" >"$state.new"
mv "$state.new" "$state"
while read -r what node says; do
    case $what in
        taint)
            ask taint node "$node" "$taint=true:NoSchedule" --overwrite
            echo "node $node $says: it takes no new pods"
            ;;
        free) ask taint node "$node" "$taint:NoSchedule-" ;;
    esac
done <<<"$found"
PROGRAM
}
