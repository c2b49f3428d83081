# containerd is enabled, runs with the settings of its files, and answers, also on its interface for Kubernetes (CRI).
# rows: C1 G8
# uses: engine
#
# undo leaves a containerd that was here before us enabled; otherwise its package removes the unit.

check() {
    local cri off stale
    if ! off=$(engine_runs containerd); then untrue "$off"; fi
    if stale=$(engine_stale containerd); then untrue "$stale"; fi
    cri=$(ctr --connect-timeout 10s plugins ls | awk '$2 == "cri" || $1 ~ /cri/ { print $NF }' | sort -u)
    if [[ $cri != ok ]]; then
        untrue "containerd's CRI plugin is ${cri:-not there}, wants ok." \
            "Fix: disabled_plugins in /etc/containerd/config.toml" \
            "must not name cri; journalctl -u containerd says more"
    fi
}

apply() {
    if ! systemctl is-enabled -q containerd; then systemctl enable -q --no-reload containerd; fi
    if ! systemctl is-active -q containerd; then
        systemctl start containerd
    elif engine_stale containerd; then
        engine_refresh containerd
    fi
    timeout 30 bash -c 'until ctr --connect-timeout 2s version >/dev/null 2>&1; do sleep 0.2; done'
}

# The layers above have removed their pods; a task that remains would outlive the daemon and keep its mounts.
undo() {
    local task
    for task in $(ctr -n k8s.io tasks ls -q 2>/dev/null); do
        ctr -n k8s.io tasks rm -f "$task"
    done
}
