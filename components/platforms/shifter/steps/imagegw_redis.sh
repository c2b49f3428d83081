# Redis runs for the gateway's workers (versions before 18.03), reachable from this host only: it asks for no password.
# rows: F5
# uses: shifter

check() {
    local unit open
    unit=$(os_path redis_unit)
    unit_runs "$unit"
    open=$(ss -Hltn 'sport = :6379' 2>/dev/null | awk '{ print $4 }' | grep -vE '^(127\.|\[::1\])' | paste -sd ' ' || true)
    if [[ -n $open ]]; then
        untrue "$unit listens on $open. Fix: bind 127.0.0.1 in its redis.conf; systemctl restart $unit"
    fi
}

apply() {
    local unit
    unit=$(os_path redis_unit)
    unit_found redis "$unit"
    unit_starts "$unit"
}

# A Redis that ran before us keeps running; ours goes with its package.
undo() {
    unit_left redis "$(os_path redis_unit)"
}
