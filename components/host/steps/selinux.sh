# SELinux is in the state that the site declares, now and after a reboot.
# rows: H17
# inputs: state
#
# Only a reboot can turn SELinux off, or on again: until then, check wants the right file and a reboot noted as due.

_conf=/etc/selinux/config

check() {
    local state
    state=$(input state)
    if [[ ! -e $_conf && $state == disabled ]]; then return; fi
    if [[ ! -e $_conf ]]; then untrue "$(_none)"; fi
    if [[ $(_configured) != "$state" ]]; then untrue "$_conf says SELINUX=$(_configured), wants $state"; fi
    if [[ $(_now) != "$state" ]] && ! is_reboot_due "$(_reason "$state")"; then
        untrue "SELinux is $(_now), wants $state"
    fi
}

apply() {
    local state
    state=$(input state)
    if [[ ! -e $_conf ]]; then
        _none >&2
        return 1
    fi
    keep "$_conf"
    sed -E "s/^SELINUX=.*/SELINUX=$state/" "$_conf" | write_file "$_conf" 0644
    _switch "$state"
}

undo() {
    if ! kept "$_conf"; then return; fi
    restore "$_conf"
    _switch "$(_configured)"
}

_none() {
    printf 'has no SELinux (%s), wants it %s. Fix: remove selinux from the settings of this host in the site, %s\n' \
        "$(os_id)" "$(input state)" "or install a system that brings it (RHEL, Rocky)"
}

_configured() {
    sed -n 's/^SELINUX=//p' "$_conf" | tail -n 1
}

_now() {
    getenforce | tr '[:upper:]' '[:lower:]'
}

# Between enforcing and permissive at once; files get their labels in the boot that turns it on.
_switch() {
    local now
    now=$(_now)
    case $now-$1 in
        "$1-$1") ;;
        disabled-*)
            : >/.autorelabel
            reboot_due "$(_reason "$1")"
            ;;
        *-disabled) reboot_due "$(_reason "$1")" ;;
        *-enforcing) setenforce 1 ;;
        *-permissive) setenforce 0 ;;
    esac
}

_reason() {
    printf 'SELinux is %s and is to be %s' "$(_now)" "$1"
}
