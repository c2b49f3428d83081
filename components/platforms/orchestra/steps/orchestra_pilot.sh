# Orchestra's pilot runs from boot on, after its database, with its present code, environment and settings.
# rows: T4
# inputs: user after
# uses: host orchestra

check() {
    if ! _unit | same_file "$(_file)"; then untrue "$(_file) is not the pilot's"; fi
    if ! systemctl is-enabled -q orchestra-pilot; then untrue "orchestra-pilot does not start at boot"; fi
    if ! systemctl is-active -q orchestra-pilot; then
        sql_asks <<<'SELECT 1;' >/dev/null
        untrue "the pilot does not run: $(_why). Fix: journalctl -u orchestra-pilot -n 40 shows all"
    fi
    if [[ -e $(restart_mark orchestra-pilot) ]]; then untrue "the pilot runs with older code or settings"; fi
    sql_asks <<<'SELECT 1;' >/dev/null
}

apply() {
    restart_due orchestra-pilot
    keep "$(_file)"
    _unit | write_file "$(_file)" 0644
    systemd_reload orchestra-pilot
    systemctl enable -q --no-reload orchestra-pilot
    systemctl reset-failed orchestra-pilot 2>/dev/null || true
    sql_asks <<<'SELECT 1;' >/dev/null
    systemctl restart orchestra-pilot || true
    _stays || untrue "the pilot does not stay up: $(_why). Fix: commands.pilot, or what it names; journalctl -u orchestra-pilot -n 40"
    rm -f "$(restart_mark orchestra-pilot)"
}

undo() {
    systemctl stop orchestra-pilot 2>/dev/null || true
    systemctl reset-failed orchestra-pilot 2>/dev/null || true
    systemctl disable -q --no-reload orchestra-pilot 2>/dev/null || true
    restore "$(_file)"
    rm -f "$(restart_mark orchestra-pilot)"
}

_file() { printf '/etc/systemd/system/orchestra-pilot.service'; }

_unit() {
    cat <<UNIT
# gpu-metal
[Unit]
Description=Orchestra's pilot
Wants=network-online.target $(input after)
After=network-online.target $(input after)
StartLimitIntervalSec=0

[Service]
User=$(input user)
EnvironmentFile=/etc/orchestra/orchestra.env
ExecStartPre=$(command -v pg_isready) -q -t 10
ExecStart=/etc/orchestra/run pilot
Restart=always
RestartSec=5
NoNewPrivileges=yes
ProtectSystem=full
UMask=0027

[Install]
WantedBy=multi-user.target
UNIT
}

# It starts, and does not end at once.
_stays() {
    local end=$((SECONDS + 5))
    while ((SECONDS <= end)); do
        if [[ $(systemctl show -p ActiveState --value orchestra-pilot) != active ]]; then return 1; fi
        sleep 0.5
    done
}

_why() {
    unit_log orchestra-pilot -n 40 | { grep -vE '^(\s|Traceback|orchestra-pilot\.service|St(art|opp)ed |Starting )' || true; } |
        tail -n 1 | cut -c -300
}
