# No firewall runs but the one that the site names, now or after a reboot; undo brings back what was stopped.
# rows: H17
# inputs: keep

check() {
    local name
    for name in $(_others); do
        if _runs "$name"; then untrue "has $name active, wants $(input keep | sed 's/^$/no firewall/')"; fi
    done
}

apply() {
    local name
    for name in $(_others); do
        if _runs "$name"; then
            keep "$(_record "$name")"
            # Keep an existing record: an interrupted run may have turned the firewall off already.
            if [[ ! -e $(_record "$name") ]]; then printf '%s\n' "$name" | write_file "$(_record "$name")" 0600; fi
            _stop "$name"
        fi
    done
}

undo() {
    local name
    for name in nftables firewalld ufw; do
        if [[ -e $(_record "$name") ]]; then
            _start "$name"
            restore "$(_record "$name")"
        fi
    done
}

# nftables' own service only if there is to be no firewall: beside our table it does no harm.
_others() {
    case $(input keep) in
        nftables) printf '%s\n' firewalld ufw ;;
        firewalld) printf '%s\n' ufw ;;
        ufw) printf '%s\n' firewalld ;;
        *) printf '%s\n' nftables firewalld ufw ;;
    esac
}

_runs() {
    if [[ $1 == ufw ]]; then
        grep -qx 'ENABLED=yes' /etc/ufw/ufw.conf 2>/dev/null
    else
        systemctl is-active -q "$1" || systemctl is-enabled -q "$1" 2>/dev/null
    fi
}

# --no-reload: enable and disable would make systemd read all its units again, which can cost containers their GPUs.
_stop() {
    case $1 in
        ufw) ufw disable ;;
        *)
            if systemctl is-enabled -q "$1"; then printf 'enabled\n' >>"$(_record "$1")"; fi
            if systemctl is-active -q "$1"; then printf 'active\n' >>"$(_record "$1")"; fi
            systemctl disable -q --no-reload "$1"
            systemctl stop "$1"
            ;;
    esac
}

_start() {
    if [[ $1 == ufw ]]; then
        if [[ -x /usr/sbin/ufw ]]; then ufw --force enable; fi
        return
    fi
    # Its package may be gone by now.
    if ! systemctl cat "$1" >/dev/null 2>&1; then return; fi
    if grep -qx enabled "$(_record "$1")"; then systemctl enable -q --no-reload "$1"; fi
    if grep -qx active "$(_record "$1")"; then systemctl start "$1"; fi
}

_record() {
    printf '%s/firewall-was-%s' "$GPU_METAL_HOME" "$1"
}
