# shellcheck shell=bash
# For steps with `# uses: gpu`: which GPUs and which driver this host has.
# uses: host

# gpu_ids: the PCI device id of each NVIDIA GPU, one a line: 20b2. Class 0300 is a VGA controller, 0302 a 3D controller.
gpu_ids() { _nvidia_devices '^030[02]:'; }

# gpu_fabric: the kind of this host's NVSwitches, `nvswitch` or `nvlink5`; status 1 when it has none.
# Those of NVLink 5 (B200) appear only as ConnectX-7 functions, whose vital product data names the switch management.
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

# gpu_glob WANTED: packages' versions of a driver's branch or version: 580.*, 580.95.05-*
gpu_glob() {
    if [[ $1 == *.* ]]; then printf '%s-*\n' "$1"; else printf '%s.*\n' "$1"; fi
}

# gpu_jobs: what computes on the GPUs, on one line; empty when nothing does
gpu_jobs() { (gpu_busy || true) | awk '{ printf "%s%s (process %s)", sep, $2, $1; sep = ", " }'; }

# For the steps that bring a driver, from wherever it comes; each has the input `wanted`.

# driver_of_others: does this host have the wanted driver already, both as files and in the kernel?
driver_of_others() { gpu_is "$(gpu_files)" "$(input wanted)" && gpu_is "$(gpu_loaded)" "$(input wanted)"; }

driver_mismatch() {
    printf 'kernel runs %s, files are %s' "$(gpu_loaded | grep . || printf 'no NVIDIA driver')" "$(gpu_files)"
}

# driver_loaded: fails with a message when the kernel runs another driver than the files', unless a restart is due for
# it. For check.
driver_loaded() {
    if [[ $(gpu_loaded) != "$(gpu_files)" ]] && ! is_reboot_due "$(driver_mismatch)"; then untrue "$(driver_mismatch)"; fi
}

# driver_load: loads the driver into the kernel, or notes a restart as due
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
