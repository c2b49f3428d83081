# Files of the kubelet are readable by root only.
# rows: K14
# inputs: paths
#
# kubeadm and the kubelet's package make them with 644; their next upgrade does so again.

check() {
    local path mode
    for path in $(_there); do
        mode=$(stat -c %a "$path")
        if ((0$mode & 0177)); then untrue "$path has the mode $mode, wanted 600"; fi
    done
}

apply() {
    local path mode
    for path in $(_there); do
        mode=$(stat -c %a "$path")
        if ! ((0$mode & 0177)); then continue; fi
        _once "$path" "$mode"
        chmod 600 "$path"
    done
}

undo() {
    local path mode
    if [[ ! -s $(_had) ]]; then return 0; fi
    while read -r path mode; do
        if [[ -e $path ]]; then chmod "$mode" "$path"; fi
    done <"$(_had)"
    rm -f "$(_had)"
}

_had() { printf '%s\n' "$GPU_METAL_HOME/cis-files"; }

# What each had before the first change
_once() {
    if grep -qsF -- "$1 " "$(_had)"; then return 0; fi
    {
        cat "$(_had)" 2>/dev/null || true
        printf '%s %s\n' "$1" "$2"
    } | write_file "$(_had)" 0600
}

_there() {
    local path
    for path in $(input paths); do
        if [[ -f $path && ! -L $path ]]; then printf '%s\n' "$(realpath "$path")"; fi
    done | sort -u
}
