# Kernel settings have their values, now and after a reboot: one drop-in, and only what is in it is set.
# rows: H10
# inputs: one key per setting
#
# Its name comes after 99-sysctl.conf, which is /etc/sysctl.conf: the last file that names a setting wins.
# `sysctl --system` is not used: reloading all files disturbs a running pod network. The values found before are kept
# and come back with undo, or when a setting leaves the site.

check() {
    local key value seen
    while IFS='=' read -r key value; do
        if [[ ! -e $(_path "$key") ]]; then
            untrue "has no setting $key, wants $value." \
                "Fix: see that the kernel module that brings it is loaded, or take it out of sysctl"
        fi
        seen=$(_live "$key")
        if [[ $seen != "$(_words "$value")" ]]; then untrue "has $key=$seen, wants $value"; fi
    done < <(inputs)
    if ! _wanted | same_file /etc/sysctl.d/99-zz-gpu-metal.conf; then
        untrue "/etc/sysctl.d/99-zz-gpu-metal.conf is not what the site's sysctl says"
    fi
}

apply() {
    local key value
    _remember
    _put_back < <(_before | _without "$(inputs)")
    keep /etc/sysctl.d/99-zz-gpu-metal.conf
    _wanted | write_file /etc/sysctl.d/99-zz-gpu-metal.conf 0644
    while IFS='=' read -r key value; do
        if [[ $(_live "$key") != "$(_words "$value")" ]]; then printf '%s\n' "$value" >"$(_path "$key")"; fi
    done < <(inputs)
}

undo() {
    restore /etc/sysctl.d/99-zz-gpu-metal.conf
    _put_back < <(_before)
    rm -f "$GPU_METAL_HOME/sysctl-before"
}

_wanted() {
    printf '# gpu-metal\n'
    inputs | sed 's/=/ = /'
}

# `net.ipv4.ip_forward`, or `net/ipv4/conf/eth0.1/forwarding` where a name has a dot, as sysctl takes them.
_path() {
    if [[ $1 == */* ]]; then printf '/proc/sys/%s' "$1"; else printf '/proc/sys/%s' "${1//.//}"; fi
}

_words() {
    printf '%s' "$1" | tr -s '[:space:]' ' '
}

_live() {
    _words "$(cat "$(_path "$1")")"
}

_before() {
    cat "$GPU_METAL_HOME/sysctl-before" 2>/dev/null || true
}

# Those lines of stdin whose key is not among the lines of $1.
_without() {
    awk -F= 'NR == FNR { drop[$1]; next } !($1 in drop)' <(printf '%s\n' "$1") -
}

_remember() {
    {
        _before
        inputs | _without "$(_before)" | while IFS='=' read -r key _; do printf '%s=%s\n' "$key" "$(_live "$key")"; done
    } | write_file "$GPU_METAL_HOME/sysctl-before" 0600
}

# Skips a setting whose module is gone.
_put_back() {
    local key value
    while IFS='=' read -r key value; do
        if [[ -e $(_path "$key") ]]; then printf '%s\n' "$value" >"$(_path "$key")"; fi
        _before | _without "$key=" | write_file "$GPU_METAL_HOME/sysctl-before" 0600
    done
}
