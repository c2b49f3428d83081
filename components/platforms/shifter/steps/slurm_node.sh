# slurmd runs with the site's files, and finds the node's GPUs also when it starts with the host.
# rows: F6
# inputs: spool gpus
# uses: host shifter

check() {
    local missing
    missing=$(_missing_gpus)
    if [[ -n $missing ]]; then
        untrue "has no $missing, and slurmd does not start without." \
            "Fix: nvidia-smi -L shows the GPUs that the driver has; correct gpu.count, or mend the driver"
    fi
    if ! _unit | same_file "$(_drop_in)"; then untrue "$(_drop_in) is not what slurmd needs here"; fi
    if [[ ! -d $(input spool) ]]; then untrue "has no folder $(input spool)"; fi
    if ! systemctl is-enabled -q slurmd; then untrue "slurmd is not enabled"; fi
    if ! systemctl is-active -q slurmd; then
        untrue "slurmd does not run. Fix: journalctl -u slurmd -n 20 says why"
    fi
    if [[ -e $GPU_METAL_HOME/slurmd-due ]]; then untrue "slurmd runs with older settings"; fi
}

# Jobs go on running while slurmd restarts: its package's unit stops only slurmd.
apply() {
    local missing
    if [[ -n $(_missing_gpus) ]]; then _make_devices; fi
    missing=$(_missing_gpus)
    if [[ -n $missing ]]; then
        untrue "has no $missing, and slurmd does not start without." \
            "Fix: nvidia-smi -L shows the GPUs that the driver has; correct gpu.count, or mend the driver"
    fi
    install -d -m 0755 "$(input spool)"
    keep "$(_drop_in)"
    if ! _unit | same_file "$(_drop_in)"; then
        write_file "$GPU_METAL_HOME/slurmd-due" 0600 <<<due
        _unit | write_file "$(_drop_in)" 0644
        systemd_reload
    fi
    if ! systemctl is-enabled -q slurmd; then systemctl enable -q --no-reload slurmd; fi
    if [[ -e $GPU_METAL_HOME/slurmd-due ]] || ! systemctl is-active -q slurmd; then
        systemctl reset-failed slurmd 2>/dev/null || true
        systemctl restart slurmd || _says_why
        sleep 1
        systemctl is-active -q slurmd || _says_why
    fi
    rm -f "$GPU_METAL_HOME/slurmd-due"
}

undo() {
    local jobs
    jobs=$(_jobs)
    if [[ -n $jobs ]]; then
        untrue "jobs run here: $jobs. Nothing was removed." \
            "Fix: scontrol update nodename=$(uname -n) state=drain reason=leaves; wait for them; then run again"
    fi
    if systemctl is-active -q slurmd; then systemctl stop slurmd; fi
    restore "$(_drop_in)"
    rm -f "$GPU_METAL_HOME/slurmd-due"
    systemd_reload
    if [[ -d $(input spool) ]]; then find "$(input spool)" -mindepth 1 -delete; fi
}

_drop_in() {
    printf '/etc/systemd/system/slurmd.service.d/gpu-metal.conf'
}

# The first program that uses the driver makes its device files.
_unit() {
    printf '# gpu-metal\n[Unit]\nAfter=nvidia-persistenced.service\n[Service]\n'
    if (($(input gpus))); then printf 'ExecStartPre=-/usr/bin/env nvidia-smi -L\n'; fi
    printf 'Restart=on-failure\nRestartSec=10\n'
}

_make_devices() {
    timeout 60 nvidia-smi -L >/dev/null 2>&1 || true
}

_missing_gpus() {
    local index
    for ((index = 0; index < $(input gpus); index++)); do
        if [[ ! -c /dev/nvidia$index ]]; then
            printf '/dev/nvidia%s' "$index"
            return
        fi
    done
}

# The jobs of the step daemons that run here
_jobs() {
    { pgrep -a slurmstepd || true; } | sed -nE 's/.*\[([0-9]+)[^]]*\].*/\1/p' | sort -nu | paste -sd ' '
}

_says_why() {
    local why version fix='correct slurm in the site; systemctl status slurmd shows more'
    why=$(unit_errors slurmd)
    version=$(slurmd -V | grep -oE '[0-9]+\.[0-9]+' | head -n 1)
    # From 22.05 on Slurm supports unified control groups.
    if [[ $why == *cgroup* && -e /sys/fs/cgroup/cgroup.controllers && ${version/./} -lt 2205 ]]; then
        fix="Slurm $version knows no unified control groups: take a newer system, or write in slurm.settings "
        fix+="ProctrackType: proctrack/linuxproc and TaskPlugin: task/affinity"
    fi
    untrue "slurmd does not start: $why. Fix: $fix"
}
