# Slurm's files have the site's settings, the same on every host.
# rows: F6
# inputs: daemons
# bulk: slurm gres cgroup
#
# A node or partition with jobs is not removed: Slurm would end them.

check() {
    local name
    for name in slurm gres cgroup; do
        if ! bulk $name | same_file "$(_file $name)"; then untrue "$(_file $name) is not what the site says"; fi
    done
}

apply() {
    local name daemon
    _nothing_leaves_with_jobs
    for name in slurm gres cgroup; do
        if bulk $name | same_file "$(_file $name)"; then continue; fi
        # Marked first: if this run is cut in between, the next one still restarts them.
        for daemon in $(input daemons); do write_file "$GPU_METAL_HOME/$daemon-due" 0600 <<<due; done
        keep "$(_file $name)"
        bulk $name | write_file "$(_file $name)" 0644
    done
}

undo() {
    local name
    for name in slurm gres cgroup; do restore "$(_file $name)"; done
}

_file() {
    printf '%s/%s.conf' "$(os_path slurm_folder)" "$1"
}

# Slurm fails each job whose node or partition is gone, and forgets its queue with another cluster name or state folder.
_nothing_leaves_with_jobs() {
    local name jobs wanted
    if [[ " $(input daemons) " != *" slurmctld "* ]] || ! _answers; then return; fi
    for name in $(_leaving NodeName); do
        jobs=$(_jobs -w "$name" -t running,suspended,completing)
        if [[ -n $jobs ]]; then
            untrue "the site no longer has $name, and jobs run there: $jobs. Nothing was changed." \
                "Fix: scontrol update nodename=$name state=drain reason=leaves; wait for them; then pulumi up"
        fi
    done
    for name in $(_leaving PartitionName); do
        jobs=$(_jobs -p "$name")
        if [[ -n $jobs ]]; then
            untrue "the site no longer has the partition $name, and its jobs would fail: $jobs. Nothing was changed." \
                "Fix: scontrol update partitionname=$name state=drain; wait for them, or move those that wait" \
                "(scontrol update jobid=JOB partition=OTHER); then pulumi up"
        fi
    done
    for name in ClusterName StateSaveLocation; do
        wanted=$(bulk slurm | _value $name)
        # Slurm writes the cluster's name in small letters.
        if [[ $(_running $name) == "$wanted" || $(_running $name) == "${wanted,,}" ]]; then continue; fi
        jobs=$(_jobs)
        if [[ -n $jobs ]]; then
            untrue "with another $name Slurm would forget its queue: $jobs. Nothing was changed." \
                "Fix: let them end, or scancel them; then pulumi up"
        fi
    done
}

# True if slurmctld can list jobs. While it is down with a queue, no node or partition may leave: its jobs are unknown.
_answers() {
    if timeout 20 squeue -ah >/dev/null 2>&1; then return; fi
    if [[ ! -f $(_file slurm) || ! -s $(_value StateSaveLocation <"$(_file slurm)")/job_state ]]; then return 1; fi
    if [[ -n $(_leaving NodeName)$(_leaving PartitionName) ]]; then
        untrue "nodes or partitions leave, and slurmctld does not answer whether they have jobs. Nothing was changed." \
            "Fix: systemctl start slurmctld (journalctl -u slurmctld -n 20 says why it is down); then pulumi up"
    fi
    return 1
}

# Names that Slurm's file has and the site has not
_leaving() { # KEY
    if [[ -f $(_file slurm) ]]; then comm -23 <(_value "$1" <"$(_file slurm)" | sort) <(bulk slurm | _value "$1" | sort); fi
}

_value() { # KEY
    sed -nE "s/^$1=([^ ]+).*/\1/Ip"
}

_running() { # KEY
    timeout 20 scontrol show config | sed -nE "s/^$1 += //p"
}

# squeue fails for a node or partition that Slurm does not know: it has no jobs.
_jobs() { # OPTION…
    { timeout 20 squeue -ah -o %i "$@" 2>/dev/null || true; } | paste -sd ' '
}
