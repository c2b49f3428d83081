# The control groups are of a version that this Kubernetes supports.
# rows: H19
# inputs: v2

check() {
    if [[ $(input v2) == yes && $(stat -fc %T /sys/fs/cgroup) != cgroup2fs ]]; then
        untrue "has cgroup v1, wants v2, as every Kubernetes from 1.35 on." \
            "Fix: kernel.arguments: [systemd.unified_cgroup_hierarchy=1] and kernel.reboot: when-needed"
    fi
}
