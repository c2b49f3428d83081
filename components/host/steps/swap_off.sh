# No swap is in use, now or after a reboot: the kubelet counts on real memory only.
# rows: H12
#
# /etc/fstab is commented line by line, so that other changes in it stay. swap.target is masked, which wants the swap
# units of generators (GPT partitions, zram). A swap unit that people wrote may be wanted by another target, and is
# masked by itself; so are services that turn swap on. No daemon-reload: it can cost containers their GPUs.

_makers='zramswap.service zram-config.service zram-swap.service dphys-swapfile.service swapspace.service'

check() {
    local unit
    if (($(wc -l </proc/swaps) > 1)); then
        untrue "has swap on $(awk 'NR > 1 { printf "%s%s", sep, $1; sep = ", " }' /proc/swaps), wants none"
    fi
    if _swap_lines | grep -q .; then
        untrue "/etc/fstab turns on $(_swap_lines | awk '{ print $1 }' | paste -sd ' '), wants no swap there"
    fi
    for unit in swap.target $(_units); do
        if ! _is_masked "$unit"; then untrue "$unit is not masked: it turns swap on at a start"; fi
    done
}

apply() {
    local unit
    _remember
    if _swap_lines | grep -q .; then
        sed -E 's,^\s*[^#[:space:]]\S*\s+\S+\s+swap(\s.*)?$,# gpu-metal: &,' /etc/fstab | write_file /etc/fstab 0644
    fi
    for unit in swap.target $(_units); do
        if ! _is_masked "$unit"; then
            keep "/etc/systemd/system/$unit"
            ln -sfn /dev/null "/etc/systemd/system/$unit"
        fi
    done
    # swapspace would add new swap meanwhile.
    if systemctl is-active -q swapspace; then systemctl stop swapspace; fi
    if ! swapoff -a; then
        untrue "cannot turn swap off: its content does not fit into memory, or see swapoff's message above." \
            "Fix: free $(awk 'NR > 1 { used += $4 } END { printf "%d", used / 1024 }' /proc/swaps) MB of memory, or reboot"
    fi
}

undo() {
    local device priority unit
    if grep -q '^# gpu-metal: ' /etc/fstab 2>/dev/null; then
        sed 's,^# gpu-metal: ,,' /etc/fstab | write_file /etc/fstab 0644
    fi
    # A masked swap unit is not listed once its own file is kept with us.
    for unit in swap.target $_makers $(find /etc/systemd/system -maxdepth 1 -name '*.swap' -printf '%f\n'); do
        restore "/etc/systemd/system/$unit"
    done
    swapon -a
    while read -r device priority; do
        if [[ -e $device ]] && ! awk '{ print $1 }' /proc/swaps | grep -xF "$device" >/dev/null; then
            swapon --priority "$priority" "$device"
        fi
    done < <(cat "$GPU_METAL_HOME/swap-before" 2>/dev/null || true)
    rm -f "$GPU_METAL_HOME/swap-before"
}

_swap_lines() {
    if [[ -e /etc/fstab ]]; then grep -E '^\s*[^#[:space:]]\S*\s+\S+\s+swap(\s|$)' /etc/fstab || true; fi
}

# Those services of the list that this host has, and the swap units that have a file of their own.
_units() {
    # shellcheck disable=SC2086  # one word is one unit
    systemctl list-unit-files --no-legend --plain $_makers '*.swap' |
        awk '$2 != "generated" && $2 != "transient" { print $1 }'
}

_is_masked() {
    [[ $(readlink "/etc/systemd/system/$1") == /dev/null ]]
}

# Records the swap in use with its priority, so that undo also restores swap that is not in /etc/fstab.
_remember() {
    if [[ -e $GPU_METAL_HOME/swap-before ]]; then return; fi
    awk 'NR > 1 { print $1, $5 }' /proc/swaps | write_file "$GPU_METAL_HOME/swap-before" 0600
}
