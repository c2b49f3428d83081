# Kernel modules are there, loaded now and at each start; what is built into the kernel needs no loading.
# inputs: names
#
# undo does not unload: by then another may use the module; the next start is without it.

check() {
    local name
    for name in $(input names); do
        if ! _present "${name//-/_}"; then
            untrue "has no module $name in its kernel $(uname -r), wants it." \
                "Fix: install the modules package of this kernel, or reboot into one that has it"
        fi
    done
    if [[ -n $(_loadable) ]] && ! _wanted | same_file /etc/modules-load.d/90-gpu-metal.conf; then
        untrue "$(_loadable | paste -sd ' ') would not be loaded after a reboot"
    fi
}

apply() {
    local name
    for name in $(input names); do
        if ! _present "${name//-/_}"; then modprobe "$name"; fi
    done
    if [[ -n $(_loadable) ]]; then
        keep /etc/modules-load.d/90-gpu-metal.conf
        _wanted | write_file /etc/modules-load.d/90-gpu-metal.conf 0644
    else
        restore /etc/modules-load.d/90-gpu-metal.conf
    fi
}

undo() {
    restore /etc/modules-load.d/90-gpu-metal.conf
}

# Loaded or built in: as sysfs has it, as the kernel's own list has it, or by what it brings.
_present() {
    [[ -d /sys/module/$1 || $(modinfo -F filename "$1" 2>/dev/null) == '(builtin)' ]] ||
        grep -qw "$1" /proc/filesystems ||
        [[ $1 == br_netfilter && -e /proc/sys/net/bridge/bridge-nf-call-iptables ]]
}

# Those that are modules here, one per line.
_loadable() {
    local name
    for name in $(input names); do
        if grep -q "^${name//-/_} " /proc/modules; then printf '%s\n' "$name"; fi
    done
}

_wanted() {
    printf '# gpu-metal\n'
    _loadable
}
