# The NVIDIA driver of the wanted branch or version is installed from its repository, held, and the kernel runs it.
# rows: G3 G8
# inputs: wanted package
# uses: gpu
#
# A driver of that version that others installed is left to them. Nothing is changed while a program computes on the
# GPUs. The kernel keeps the driver that it has loaded: a new one is used after a restart, by the step reboot.

check() {
    local says files
    files=$(gpu_files)
    if ! _of_others; then
        says=$(pkg_untrue --hold "$(_word)")
        if [[ -n $says ]]; then untrue "$says"; fi
    fi
    if ! gpu_is "$files" "$(input wanted)"; then
        untrue "has files of driver ${files:-none}, wants $(input wanted). Fix: find /usr -name 'libnvidia-ml.so.*' shows whose"
    fi
    driver_loaded
}

apply() {
    driver_idle
    if ! _of_others; then pkg_add --hold "$(_word)"; fi
    driver_load
}

undo() {
    driver_removable
    pkg_drop
}

_word() {
    printf '%s=%s' "$(input package)" "$(gpu_glob "$(input wanted)")"
}

_of_others() {
    [[ -z $(pkg_asked) ]] && driver_of_others
}
