#!/usr/bin/env bash
# One emulated host and its supervisor: mounts the disk, runs systemd-nspawn, starts it again when the host rebooted
# itself (status 133), unless RUN/NAME.hold exists. It runs in a mount namespace of its own: the mounts end with it.
# File descriptor LOCK holds a lock for as long as the supervisor lives: that is how others know that the host is on.
# usage: host.sh NAME LOWER DISK RUN BRIDGE LOCK
set -euo pipefail
name=$1 lower=$2 disk=$3 run=$4 bridge=$5 lock=$6

# Own child group in every hierarchy (cgroup v1) or in the one (v2): the host sees only its subtree, and faults find it by name.
# Its share of the processors is by the niceness of who switched it on: between groups, that of processes does not count.
enter_cgroups() {
    local parent own nice
    nice=$(nice)
    nice=$((nice < 0 ? 0 : nice > 10 ? 10 : nice)) # no host starves
    for parent in /sys/fs/cgroup /sys/fs/cgroup/*/; do
        [[ -e $parent/cgroup.procs && ! -e $parent/../cgroup.procs ]] || continue
        own=${parent%/}/lab-$name
        mkdir -p "$own"
        if [[ -e $own/cpuset.mems ]]; then
            cat "$parent/cpuset.cpus" >"$own/cpuset.cpus"
            cat "$parent/cpuset.mems" >"$own/cpuset.mems"
        fi
        if [[ -e $own/cpu.shares ]]; then echo $((1024 * 4 ** nice / 5 ** nice)) >"$own/cpu.shares"; fi
        echo "$BASHPID" >"$own/cgroup.procs"
    done
}

# The host does not get CAP_SYS_TIME: there is one clock, the machine's.
boot() (
    exec {lock}>&-
    enter_cgroups
    if [[ -d /lib/modules ]]; then set -- --bind-ro=/lib/modules; else set --; fi
    export SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 # else /proc/sys is read-only
    export SYSTEMD_SECCOMP=0                 # else runc cannot start a container
    export SYSTEMD_NSPAWN_LOCK=0             # a killed one leaves its lock file; ours is LOCK
    exec systemd-nspawn --quiet -D "$disk/root" -M "$name" --network-bridge="$bridge" --register=no --keep-unit \
        --capability=all --drop-capability=CAP_SYS_TIME --settings=no --resolv-conf=off --timezone=off --link-journal=no \
        --bind=/dev/kmsg --bind=/dev/fuse \
        --bind="$disk/containerd:/var/lib/containerd" --bind="$disk/kubelet:/var/lib/kubelet" \
        --bind="$disk/docker:/var/lib/docker" "$@" -b
)

# volatile: nothing is synced to the machine's disk, which the hosts share with all else; the lab does not emulate a
# power cut of the machine. Such a mount leaves a mark that would refuse the next one, so it is removed first.
rm -rf "$disk/work/work/incompat"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$disk/upper,workdir=$disk/work,volatile" "$disk/root"
while true; do
    status=0
    boot || status=$?
    echo "$name: systemd-nspawn ended with status $status"
    if [[ $status != 133 || -e $run/$name.hold ]]; then exit "$status"; fi
done
