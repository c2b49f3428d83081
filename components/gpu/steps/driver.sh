# The NVIDIA driver of the wanted branch or version is installed from its repository, held, and the kernel runs it.
# rows: G3 G8
# inputs: wanted package
# uses: gpu
#
# A driver in that version that others brought stays theirs. While something computes on the GPUs nothing is touched.
# The kernel keeps what it has loaded: another one is in use after a restart, which the step reboot sees to.

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
