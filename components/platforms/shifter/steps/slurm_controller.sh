# slurmctld runs with the site's files, and answers.
# rows: F6
# inputs: state
# uses: shifter

check() {
    local says
    if [[ $(stat -c %U "$(input state)" 2>/dev/null) != slurm ]]; then untrue "$(input state) is not a folder of slurm's"; fi
    if ! systemctl is-enabled -q slurmctld; then untrue "slurmctld is not enabled"; fi
    if ! systemctl is-active -q slurmctld; then
        untrue "slurmctld does not run. Fix: journalctl -u slurmctld -n 20 says why"
    fi
    if [[ -e $GPU_METAL_HOME/slurmctld-due ]]; then untrue "slurmctld runs with older settings"; fi
    says=$(timeout 20 scontrol ping 2>&1 || true)
    if [[ $says != *" is UP"* ]]; then
        untrue "slurmctld does not answer: $(tail -n 1 <<<"$says"). Fix: journalctl -u slurmctld -n 20 says why"
    fi
}

# A restart keeps the queue, which is in the state folder: jobs go on waiting and running.
apply() {
    if [[ ! -d $(input state) ]]; then
        install -d -m 0755 "$(dirname "$(input state)")"
        install -d -m 0700 "$(input state)"
    fi
    chown slurm: "$(input state)"
    if ! systemctl is-enabled -q slurmctld; then systemctl enable -q --no-reload slurmctld; fi
    if [[ -e $GPU_METAL_HOME/slurmctld-due ]] || ! timeout 20 scontrol ping 2>/dev/null | _is_up; then
        systemctl reset-failed slurmctld 2>/dev/null || true
        systemctl restart slurmctld
        # shellcheck disable=SC2016  # the inner bash fills it in
        timeout 60 bash -c 'until [[ $(timeout 20 scontrol ping 2>/dev/null) == *" is UP"* ]]; do
            systemctl is-active -q slurmctld || exit; sleep 0.3; done' || _says_why
    fi
    rm -f "$GPU_METAL_HOME/slurmctld-due"
}

# Jobs belong to users: their queue is removed only once it is seen to be empty.
undo() {
    local jobs
    if systemctl is-active -q slurmctld; then
        jobs=$(timeout 20 squeue -ah -o %i 2>/dev/null | paste -sd ' ') ||
            untrue "slurmctld does not say whether its queue has jobs. Nothing was removed." \
                "Fix: journalctl -u slurmctld -n 20 says why; then run again"
        if [[ -n $jobs ]]; then
            untrue "Slurm's queue has jobs: $jobs. Nothing was removed. Fix: let them end or scancel them, then run again"
        fi
        write_file "$(_empty)" 0600 <<<empty
        systemctl stop slurmctld
    elif [[ -s $(input state)/job_state && ! -e $(_empty) ]]; then
        untrue "slurmctld does not run, and nobody knows whether its queue has jobs. Nothing was removed." \
            "Fix: systemctl start slurmctld; or, if nobody needs the queue, rm $(input state)/job_state; then run again"
    fi
    rm -f "$GPU_METAL_HOME/slurmctld-due"
    if [[ -d $(input state) ]]; then find "$(input state)" -mindepth 1 -delete; fi
    rm -f "$(_empty)"
}

_empty() {
    printf '%s/slurm-queue-empty' "$GPU_METAL_HOME"
}

_is_up() {
    grep ' is UP' >/dev/null
}

_says_why() {
    local why fix='correct slurm in the site; systemctl status slurmctld shows more'
    why=$(unit_errors slurmctld)
    if _has_another_name; then
        fix="the cluster's name is the site's system: write the former one; or, to change it for good, rm $(input state)/clustername"
    fi
    untrue "slurmctld does not start: $why. Fix: $fix"
}

# The state belongs to a cluster of another name than slurm.conf has: slurmctld then ends at once.
_has_another_name() {
    local kept wanted
    kept=$(cat "$(input state)/clustername" 2>/dev/null || true)
    wanted=$(sed -nE 's/^ClusterName=//ip' "$(os_path slurm_folder)/slurm.conf" 2>/dev/null || true)
    [[ -n $kept && -n $wanted && ${kept%%:*} != "$wanted" ]]
}
