# The control groups are of a version that this Kubernetes takes.
# inputs: v2

check() {
    if [[ $(input v2) == yes && $(stat -fc %T /sys/fs/cgroup) != cgroup2fs ]]; then
        untrue "has cgroup v1, wants v2, as every Kubernetes from 1.35 on." \
            "Fix: take systemd.unified_cgroup_hierarchy=0 off the kernel's command line and reboot"
    fi
}
