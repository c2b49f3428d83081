# Redis runs for the gateway's workers (versions before 18.03), on this host alone: it asks nobody for a password.
# rows: F5

check() {
    local unit open
    unit=$(os_path redis_unit)
    if ! systemctl is-enabled -q "$unit"; then untrue "$unit is not enabled"; fi
    if ! systemctl is-active -q "$unit"; then untrue "$unit does not run. Fix: journalctl -u $unit -n 20 says why"; fi
    open=$(ss -Hltn 'sport = :6379' 2>/dev/null | awk '{ print $4 }' | grep -vE '^(127\.|\[::1\])' | paste -sd ' ' || true)
    if [[ -n $open ]]; then
        untrue "$unit listens on $open. Fix: bind 127.0.0.1 in its redis.conf; systemctl restart $unit"
    fi
}

apply() {
    local unit
    unit=$(os_path redis_unit)
    if [[ ! -e $(_before) ]]; then
        { systemctl is-enabled "$unit" 2>/dev/null || true; } | write_file "$(_before)" 0600
    fi
    if ! systemctl is-enabled -q "$unit"; then systemctl enable -q --no-reload "$unit"; fi
    if ! systemctl is-active -q "$unit"; then
        systemctl reset-failed "$unit" 2>/dev/null || true
        systemctl start "$unit"
    fi
}

# One that was at work before goes on; ours goes with its package.
undo() {
    if [[ -e $(_before) && $(<"$(_before)") != enabled ]]; then
        systemctl stop "$(os_path redis_unit)" 2>/dev/null || true
        systemctl disable -q --no-reload "$(os_path redis_unit)" 2>/dev/null || true
    fi
    rm -f "$(_before)"
}

_before() {
    printf '%s/redis-before' "$GPU_METAL_HOME"
}
