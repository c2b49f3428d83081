# Kernel modules are loaded, now and at each start; those built into the kernel need no loading.
# rows: H13
# inputs: names
#
# undo does not unload a module, since another program may use it by then; the next boot does not load it.

check() {
    local name loadable
    for name in $(input names); do
        if ! _present "${name//-/_}"; then _lacks "$name"; fi
    done
    loadable=$(_loadable)
    if [[ -n $loadable ]] && ! _wanted | same_file /etc/modules-load.d/90-gpu-metal.conf; then
        untrue "${loadable//$'\n'/ } would not be loaded after a reboot"
    fi
    for name in $loadable; do _is_welcome "$name" blacklist; done
}

apply() {
    local name
    for name in $(input names); do
        if ! _present "${name//-/_}"; then modprobe "$name" || _lacks "$name"; fi
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

_lacks() {
    _is_welcome "$1" install
    untrue "has no module $1 in its kernel $(uname -r), wants it." \
        "Fix: install the modules package of this kernel, or reboot into one that has it"
}

# Fails with a message if a line of modprobe's files, `blacklist NAME` or `install NAME /bin/false`, keeps a module from
# being loaded: systemd obeys both at a start, modprobe only the second.
_is_welcome() { # NAME blacklist|install
    local line
    line=$({ grep -sHE "^\s*($2\s+${1//[-_]/[-_]})(\s+(/usr)?/s?bin/(false|true))?\s*$" \
        {/etc,/run,/usr/lib,/lib}/modprobe.d/*.conf || true; } | head -n 1)
    if [[ -z $line ]]; then return; fi
    untrue "has the module $1 shut out by \"${line#*:}\" in ${line%%:*}, wants it loaded at each start." \
        "Fix: take that line out of ${line%%:*}"
}

# Is it loaded or built in? By sysfs, by the kernel's own list, or by what the module provides.
_present() {
    [[ -d /sys/module/$1 ]] || _is_builtin "$1" || grep -qw "$1" /proc/filesystems ||
        [[ $1 == br_netfilter && -e /proc/sys/net/bridge/bridge-nf-call-iptables ]] ||
        { [[ $1 == loop ]] && grep -q '^ *7 loop$' /proc/devices; }
}

# Reads the list itself: modinfo of older systems does not know built-in modules.
_is_builtin() {
    grep -qE "(^|/)${1//_/[-_]}(\.ko)?\$" "/lib/modules/$(uname -r)/modules.builtin" 2>/dev/null
}

# The names that are loadable modules on this host, one per line.
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
