# The NVIDIA driver of the wanted branch or version is installed from its repository, held, and the kernel runs it.
# rows: G3 G8
# inputs: wanted package
#
# A driver in that version that others brought stays theirs. While something computes on the GPUs nothing is touched.
# The kernel keeps what it has loaded: another one is in use after a restart, which the step reboot sees to.

check() {
    local says loaded files
    loaded=$(gpu_loaded) files=$(gpu_files)
    if ! _of_others; then
        says=$(pkg_untrue --hold "$(_word)")
        if [[ -n $says ]]; then untrue "$says"; fi
    fi
    if ! gpu_is "$files" "$(input wanted)"; then
        untrue "has files of driver ${files:-none}, wants $(input wanted). Fix: find /usr -name 'libnvidia-ml.so.*' shows whose"
    fi
    if [[ $loaded != "$files" ]] && ! is_reboot_due "$(_reason)"; then untrue "$(_reason)"; fi
}

apply() {
    local jobs
    jobs=$(gpu_jobs)
    if [[ -n $jobs ]]; then
        untrue "has driver $(gpu_files | grep . || printf none), wants $(input wanted), and its GPUs are in use: $jobs." \
            "Nothing was changed. Fix: stop them, then run again"
    fi
    if ! _of_others; then pkg_add --hold "$(_word)"; fi
    if [[ -z $(gpu_loaded) ]] && ! module_loaded nouveau; then modprobe nvidia; fi
    if [[ $(gpu_loaded) != "$(gpu_files)" ]]; then reboot_due "$(_reason)"; fi
}

undo() {
    local jobs
    jobs=$(gpu_jobs)
    if [[ -n $jobs ]]; then
        printf 'the GPUs are in use: %s. Nothing was removed. Fix: stop them, then run again\n' "$jobs" >&2
        return 1
    fi
    pkg_drop
}

_word() {
    printf '%s=%s' "$(input package)" "$(gpu_glob "$(input wanted)")"
}

_of_others() {
    local wanted
    wanted=$(input wanted)
    [[ -z $(pkg_asked) ]] && gpu_is "$(gpu_files)" "$wanted" && gpu_is "$(gpu_loaded)" "$wanted"
}

_reason() {
    printf 'kernel runs %s, files are %s' "$(gpu_loaded | grep . || printf 'no NVIDIA driver')" "$(gpu_files)"
}
