# No swap is in use, now or after a reboot: the kubelet reckons with memory as it is.
#
# /etc/fstab is commented line by line, so that what others change in it meanwhile stays; swap.target is masked for
# what generators find by themselves (GPT partitions, zram). No daemon-reload: it can cost containers their GPUs.

check() {
    if (($(wc -l </proc/swaps) > 1)); then
        untrue "has swap on $(awk 'NR > 1 { printf "%s%s", sep, $1; sep = ", " }' /proc/swaps), wants none"
    fi
    if _swap_lines | grep -q .; then
        untrue "/etc/fstab turns on $(_swap_lines | awk '{ print $1 }' | paste -sd ' '), wants no swap there"
    fi
    if [[ $(readlink /etc/systemd/system/swap.target) != /dev/null ]]; then untrue "swap.target is not masked"; fi
}

apply() {
    if _swap_lines | grep -q .; then
        sed -E 's,^\s*[^#[:space:]]\S*\s+\S+\s+swap(\s.*)?$,# gpu-metal: &,' /etc/fstab | write_file /etc/fstab 0644
    fi
    keep /etc/systemd/system/swap.target
    ln -sfn /dev/null /etc/systemd/system/swap.target
    swapoff -a
}

undo() {
    if grep -q '^# gpu-metal: ' /etc/fstab 2>/dev/null; then
        sed 's,^# gpu-metal: ,,' /etc/fstab | write_file /etc/fstab 0644
    fi
    restore /etc/systemd/system/swap.target
    swapon -a
}

_swap_lines() {
    if [[ -e /etc/fstab ]]; then grep -E '^\s*[^#[:space:]]\S*\s+\S+\s+swap(\s|$)' /etc/fstab || true; fi
}
