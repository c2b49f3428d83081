# shellcheck shell=bash
# Who uses this host's GPUs. Read from /proc alone: it answers where NVML fails or hangs, which is when it matters.

# gpu_busy: one line `PID NAME` per process that computes on a GPU; status 1 when there is none.
# Every CUDA process holds /dev/nvidia-uvm open; what only watches the GPUs (NVML, DCGM) does not. The persistence
# daemon may, to keep that module loaded.
gpu_busy() {
    local pid name found=1
    while read -r pid; do
        read -r name 2>/dev/null <"/proc/$pid/comm" || continue
        [[ $name != nvidia-persiste* ]] || continue
        printf '%s %s\n' "$pid" "$name"
        found=0
    done < <(find /proc/[0-9]*/fd -maxdepth 1 -lname /dev/nvidia-uvm -printf '%h\n' 2>/dev/null | cut -d/ -f3 | sort -nu)
    return "$found"
}

# gpu_containers [losing]: one line `CONTAINER (PID NAME)` per running container that was given a GPU, also when nothing
# computes in it; status 1 when there is none. `losing`: only those that `systemctl daemon-reload` would cost their GPUs,
# since systemd does not know of the devices: given by the toolkit's hook, not by CDI.
gpu_containers() {
    local pid group name host found=1
    host=$(stat -Lc %d /dev)
    while read -r _ pid; do
        # A service with a private /tmp has a mount namespace too, and the host's /dev.
        [[ $(stat -Lc %d "/proc/$pid/root/dev" 2>/dev/null) != "$host" ]] || continue
        compgen -G "/proc/$pid/root/dev/nvidia[0-9]*" >/dev/null || continue
        group=$(_unit_group "$pid")
        [[ ${1-} != losing ]] || _loses_devices "$group" || continue
        read -r name 2>/dev/null <"/proc/$pid/comm" || continue
        printf '%s (%s %s)\n' "$(_container_name "$group")" "$pid" "$name"
        found=0
    done < <(_mount_namespaces)
    return "$found"
}

# `NAMESPACE PID` of the oldest process of each mount namespace
_mount_namespaces() {
    find /proc/[0-9]*/ns/mnt -maxdepth 0 -printf '%l %p\n' 2>/dev/null | awk -F '[ /]' \
        '!($1 in first) || $4 < first[$1] { first[$1] = $4 } END { for (n in first) print n, first[n] }'
}

# The process's control group as systemd sees it
_unit_group() {
    sed -nE 's/^(0:|[0-9]+:name=systemd):(.*)/\2/p' "/proc/$1/cgroup" 2>/dev/null | tail -n 1
}

# The first 12 digits of a container's id, else the group's own name
_container_name() {
    local name=${1##*/}
    [[ ! $name =~ [0-9a-f]{64} ]] || name=${BASH_REMATCH[0]:0:12}
    printf '%s' "${name:-unknown}"
}

# Does systemd rule the group's devices without knowing of NVIDIA's (character devices 195)?
_loses_devices() {
    local policy allowed
    [[ $1 == *.scope ]] || return 1
    policy=$(systemctl show --property=DevicePolicy --value -- "${1##*/}" 2>/dev/null)
    allowed=$(systemctl show --property=DeviceAllow --value -- "${1##*/}" 2>/dev/null)
    [[ $policy == strict && $allowed != *char-nvidia* && $allowed != */195:* ]]
}

# gpu_ids: the PCI device id of each NVIDIA GPU, one a line: 20b2. Class 0300 is a VGA controller, 0302 a 3D controller.
gpu_ids() { _nvidia_devices '^030[02]:'; }

# gpu_fabric: `nvswitch` or `nvlink5` where GPUs meet in NVSwitches; status 1 where they do not.
# Those of NVLink 5 (B200) hide behind ConnectX-7 functions, whose vital product data names the switch management.
gpu_fabric() {
    if [[ -n $(_nvidia_devices '^0680:') ]]; then
        printf 'nvswitch\n'
    elif grep -qs SW_MNG /sys/class/infiniband/*/device/vpd; then
        printf 'nvlink5\n'
    else
        return 1
    fi
}

_nvidia_devices() { # CLASS
    lspci -Dn -d 10de: | awk -v class="$1" '$2 ~ class { sub("10de:", "", $3); print $3 }'
}

# module_loaded NAME: is that kernel module loaded?
module_loaded() { lsmod | grep "^$1 " >/dev/null; }

# gpu_loaded: the version of the NVIDIA driver that the kernel runs; empty when it runs none
gpu_loaded() {
    grep -m 1 -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' /proc/driver/nvidia/version 2>/dev/null || true
}

# gpu_files: the version of the NVIDIA driver's files on this host; empty when it has none
gpu_files() {
    local file
    file=$(find /usr/lib /usr/lib64 -maxdepth 4 -name 'libnvidia-ml.so.[0-9]*.[0-9]*' 2>/dev/null | sort -V | tail -n 1)
    [[ -z $file ]] || printf '%s\n' "${file##*libnvidia-ml.so.}"
}

# gpu_is SEEN WANTED: is that version the wanted one, or of the wanted branch?
gpu_is() { [[ $1 == "$2" || $1 == "$2".* ]]; }

# systemd_reload [UNIT]: daemon-reload, with UNIT only when its file is not as systemd has read it (of new drop-ins it
# does not always know); refused while it would cost running containers their GPUs. `systemctl enable`, `disable` and
# `mask` reload too, unless they are given --no-reload.
systemd_reload() {
    local losing
    [[ $# -eq 0 || $(systemctl show --property=NeedDaemonReload --value -- "$1") == yes ]] || return 0
    if losing=$(gpu_containers losing); then
        printf 'systemd was not told of changed units: a reload costs running containers their GPUs (%s). %s\n' \
            "$(paste -sd, <<<"$losing")" "Fix: stop them (kubectl drain $(uname -n) in a cluster), then run again" >&2
        return 1
    fi
    systemctl daemon-reload
}

# gpu_glob WANTED: packages' versions of a driver's branch or version: 580.*, 580.95.05-*
gpu_glob() {
    if [[ $1 == *.* ]]; then printf '%s-*\n' "$1"; else printf '%s.*\n' "$1"; fi
}

# gpu_jobs: what computes on the GPUs, on one line; empty when nothing does
gpu_jobs() { (gpu_busy || true) | awk '{ printf "%s%s (process %s)", sep, $2, $1; sep = ", " }'; }

# For the steps that bring a driver, from wherever it comes; each has the input `wanted`.

# driver_of_others: does the wanted driver run that is here, files and kernel alike?
driver_of_others() { gpu_is "$(gpu_files)" "$(input wanted)" && gpu_is "$(gpu_loaded)" "$(input wanted)"; }

driver_mismatch() {
    printf 'kernel runs %s, files are %s' "$(gpu_loaded | grep . || printf 'no NVIDIA driver')" "$(gpu_files)"
}

# driver_loaded: says what the kernel runs when it is not what the files are, and no restart is due for it. For check.
driver_loaded() {
    if [[ $(gpu_loaded) != "$(gpu_files)" ]] && ! is_reboot_due "$(driver_mismatch)"; then untrue "$(driver_mismatch)"; fi
}

# driver_load: into the kernel, or with the next restart
driver_load() {
    if [[ -z $(gpu_loaded) ]] && ! module_loaded nouveau; then modprobe nvidia; fi
    if [[ $(gpu_loaded) != "$(gpu_files)" ]]; then reboot_due "$(driver_mismatch)"; fi
}

# driver_idle: refuses a change of the driver while something computes on its GPUs. For apply.
driver_idle() {
    local jobs
    jobs=$(gpu_jobs)
    if [[ -n $jobs ]]; then
        untrue "has driver $(gpu_files | grep . || printf none), wants $(input wanted), and its GPUs are in use: $jobs." \
            "Nothing was changed. Fix: stop them, then run again"
    fi
}

# driver_removable: the same for undo
driver_removable() {
    local jobs
    jobs=$(gpu_jobs)
    if [[ -n $jobs ]]; then
        printf 'the GPUs are in use: %s. Nothing was removed. Fix: stop them, then run again\n' "$jobs" >&2
        return 1
    fi
}
