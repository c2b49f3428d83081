# munge is enabled, runs with its present key, and decodes what it encodes.
# rows: F4

check() {
    local says
    if ! systemctl is-enabled -q munge; then untrue "munge is not enabled"; fi
    if ! systemctl is-active -q munge; then untrue "munge does not run. Fix: journalctl -u munge -n 20 says why"; fi
    if [[ -e $GPU_METAL_HOME/munge-due ]]; then untrue "munge runs with an older key"; fi
    if ! says=$(_round 2>&1); then
        untrue "munge does not decode what it encodes: ${says:-no answer}. Fix: journalctl -u munge -n 20 says why"
    fi
}

# Only munge is restarted: programs connect to it anew for each credential.
apply() {
    if ! systemctl is-enabled -q munge; then systemctl enable -q --no-reload munge; fi
    if [[ -e $GPU_METAL_HOME/munge-due ]] || ! _round >/dev/null 2>&1; then
        systemctl reset-failed munge 2>/dev/null || true
        systemctl restart munge || untrue "munge does not start:" \
            "$(unit_log munge -n 20 | grep -iE '^munged: .*error' | tail -n 1)." \
            "Fix: systemctl status munge shows more"
    fi
    rm -f "$GPU_METAL_HOME/munge-due"
}

# A munge that was here before us keeps running, with the key that munge_key restores; ours goes with its package.
undo() {
    rm -f "$GPU_METAL_HOME/munge-due"
}

_round() {
    timeout 10 munge -n | timeout 10 unmunge >/dev/null
}
