# No reboot is due on the host, or the host is rebooting already.
# rows: H13
# inputs: policy window
# limit: 3600
# uses: host
#
# Always the last step of a layer: the host reboots when the run has ended, and the next layer waits for it. Steps note
# the reasons for a reboot by reboot_due.
# Of several control planes, one restarts at a time (gpu-metal-turn, which the room kubernetes puts there).
# Not undone: a reboot cannot be taken back.

_due=$GPU_METAL_RUN/reboot-due
_rebooting=$GPU_METAL_RUN/rebooting
_last=$GPU_METAL_HOME/rebooted-for

check() {
    if [[ -e $_rebooting ]]; then return; fi
    if [[ -s $_due ]]; then untrue "a reboot is due: $(_reasons)"; fi
}

apply() {
    case $(input policy) in
        never)
            untrue "a reboot is due: $(_reasons), and kernel.reboot is never." \
                "Fix: reboot it in a quiet hour, or write kernel.reboot: when-needed; then pulumi up"
            ;;
        window) in_window "$(input window)" "a reboot is due ($(_reasons))" ;;
    esac
    _not_in_vain
    _not_in_use
    _in_turn
    _schedule
}

_reasons() { paste -sd ';' "$_due" | sed 's/;/; /g'; }

# Do not reboot twice for the same reasons: a host that boots as before would be rebooted for ever.
_not_in_vain() {
    if _reasons | same_file "$_last"; then
        untrue "was rebooted, and the same is due again: $(_reasons)." \
            "Fix: see which entry its boot loader starts (GRUB_DEFAULT); rm $_last; pulumi up"
    fi
}

_not_in_use() {
    local busy pods
    if busy=$(gpu_busy); then
        untrue "a reboot is due ($(_reasons)), but its GPUs are in use by $(paste -sd , <<<"$busy" | sed 's/,/, /g')." \
            "Fix: let them end, then pulumi up"
    fi
    if ! systemctl is-active -q kubelet || [[ ! -e /etc/kubernetes/kubelet.conf ]]; then return; fi
    if ! pods=$(_pods); then
        untrue "a reboot is due ($(_reasons)), but the cluster does not tell what runs here: $(tail -n 1 <<<"$pods")." \
            "Fix: bring its API server back, then pulumi up"
    fi
    # Only pods that a drain would move: neither those of DaemonSets, nor the kubelet's static ones.
    pods=$(sed -nE '/^(DaemonSet|Node) /!s/^\w* //p' <<<"$pods")
    if [[ -n $pods ]]; then
        untrue "a reboot is due ($(_reasons)), but pods run here ($(wc -l <<<"$pods"), as $(head -n 1 <<<"$pods"))." \
            "Fix: kubectl drain $(uname -n) --ignore-daemonsets --delete-emptydir-data; pulumi up; kubectl uncordon $(uname -n)"
    fi
}

# `OWNER NAMESPACE/NAME` of each pod on this host that has not ended
_pods() {
    timeout 30 kubectl --kubeconfig /etc/kubernetes/kubelet.conf get pods --all-namespaces --request-timeout 20s \
        --field-selector "spec.nodeName=$(uname -n),status.phase!=Succeeded,status.phase!=Failed" -o \
        jsonpath='{range .items[*]}{.metadata.ownerReferences[0].kind} {.metadata.namespace}/{.metadata.name}{"\n"}{end}' 2>&1
}

_in_turn() {
    local said status=0 program=/usr/local/sbin/gpu-metal-turn fix='bring that control plane back, then pulumi up'
    if [[ ! -x $program || ! -s /etc/kubernetes/manifests/kube-apiserver.yaml ]]; then return 0; fi
    said=$($program take restarts 1500 2>&1) || status=$?
    # Nobody can be asked; a host without a kubelet may need the reboot to come back.
    if ((status == 0)) || { ((status == 3)) && ! systemctl is-active -q kubelet; }; then return 0; fi
    if ((status == 4)); then fix+='; if it is gone for good, reboot this host by hand when the cluster may be away for a minute'; fi
    untrue "a reboot is due ($(_reasons)), but ${said##*$'\n'}. Fix: $fix"
}

_schedule() {
    _reasons | write_file "$_rebooting" 0600
    _reasons | write_file "$_last" 0600
    # The unit takes this host's lock, so that this run ends first and no other begins.
    if ! systemd-run --quiet --collect --unit=gpu-metal-reboot \
        flock "$GPU_METAL_RUN/lock" sh -c 'sleep 2; systemctl reboot; sleep 600'; then
        rm -f -- "$_rebooting" "$_last"
        if [[ -x /usr/local/sbin/gpu-metal-turn ]]; then /usr/local/sbin/gpu-metal-turn back || true; fi
        return 1
    fi
}
