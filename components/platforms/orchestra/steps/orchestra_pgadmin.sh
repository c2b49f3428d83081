# pgAdmin runs from boot on, listens on 127.0.0.1 only, and has the site's login and the site's database in its list.
# rows: T1
# inputs: path user data email port
# bulk: config servers login
# secrets: password
# uses: host orchestra
#
# undo keeps what people saved in pgAdmin.

check() {
    local said
    if ! bulk config | same_file "$(_config)"; then untrue "$(_config) is not what the site says of pgAdmin"; fi
    if ! bulk servers | same_file "$(_servers)"; then untrue "$(_servers) does not name the site's database"; fi
    if ! _unit | same_file "$(_file)"; then untrue "$(_file) is not pgAdmin's"; fi
    if ! systemctl is-enabled -q orchestra-pgadmin; then untrue "orchestra-pgadmin does not start at boot"; fi
    if ! systemctl is-active -q orchestra-pgadmin; then
        untrue "pgAdmin does not run: $(_why). Fix: journalctl -u orchestra-pgadmin -n 40 shows all"
    fi
    if [[ -e $(restart_mark orchestra-pgadmin) ]]; then untrue "pgAdmin runs with an older version or older settings"; fi
    _loopback
    said=$(_kept) || untrue "$said"
}

apply() {
    local said log=$GPU_METAL_HOME/orchestra-pgadmin.log shape='^[!-~]{12,}$'
    if [[ ! $(secret password) =~ $shape ]]; then
        untrue "the secret of pgadmin.passwordSecret is no password for pgAdmin: 12 or more printable ASCII characters," \
            "no blanks. Fix: openssl rand -hex 24 | pulumi config set --secret NAME"
    fi
    restart_due orchestra-pgadmin
    keep "$(_config)"
    keep "$(_servers)"
    keep "$(_file)"
    bulk config | write_file "$(_config)" 0644
    bulk servers | write_file "$(_servers)" 0644
    _unit | write_file "$(_file)" 0644
    systemd_reload orchestra-pgadmin
    systemctl stop orchestra-pgadmin 2>/dev/null || true # it must not write its settings beside the next lines
    mkdir -p -- "$(input data)"
    chown -R -- "$(input user):" "$(input data)"
    chmod 0700 -- "$(input data)"
    if ! secret password | _as_pgadmin "$(input path)/environment/bin/python" -c "$(bulk login)" \
        "$(input email)" "$(cat "$(_login)" 2>/dev/null)" "$(_database)" "$(_servers)" >"$log" 2>&1; then
        untrue "pgAdmin cannot be set up: $(last_said "$log"). All of it: $log. Fix: what it names"
    fi
    said=$(_kept) || untrue "pgAdmin cannot be set up: $said; it says: $(last_said "$log"). All of it: $log. Fix: what it names"
    input email | write_file "$(_login)" 0600
    rm -f -- "$log"
    port_free "$(input port)" pgAdmin pgadmin.port
    systemctl enable -q --no-reload orchestra-pgadmin
    systemctl reset-failed orchestra-pgadmin 2>/dev/null || true
    systemctl restart orchestra-pgadmin || true
    port_opens "$(input port)" 120 ||
        untrue "pgAdmin does not answer on port $(input port): $(_why). Fix: journalctl -u orchestra-pgadmin -n 40 shows all"
    _loopback
    rm -f -- "$(restart_mark orchestra-pgadmin)"
}

undo() {
    systemctl stop orchestra-pgadmin 2>/dev/null || true
    systemctl reset-failed orchestra-pgadmin 2>/dev/null || true
    systemctl disable -q --no-reload orchestra-pgadmin 2>/dev/null || true
    restore "$(_file)"
    restore "$(_servers)"
    restore "$(_config)"
    rmdir --ignore-fail-on-non-empty -- "$(dirname "$(_config)")" 2>/dev/null || true
    rm -f -- "$(restart_mark orchestra-pgadmin)" "$GPU_METAL_HOME/orchestra-pgadmin.log" "$(_login)"
    if [[ -n $(find "$(input data)/storage" -type f -print -quit 2>/dev/null) ]]; then
        printf 'left: what people saved in pgAdmin, in %s\n' "$(input data)/storage"
    else
        rm -rf -- "$(input data)"
    fi
}

_config() { printf '/etc/orchestra/pgadmin.py'; }
_servers() { printf '/etc/orchestra/pgadmin-servers.json'; }
_file() { printf '/etc/systemd/system/orchestra-pgadmin.service'; }
_login() { printf '%s/orchestra-pgadmin-login' "$GPU_METAL_HOME"; }
_database() { printf '%s/pgadmin4.db' "$(input data)"; }
_as_pgadmin() { (cd / && CONFIG_DISTRO_FILE_PATH=$(_config) exec runuser -u "$(input user)" -- "$@"); }

_unit() {
    cat <<UNIT
# gpu-metal
[Unit]
Description=pgAdmin, for Orchestra's database
After=network-online.target
StartLimitIntervalSec=0

[Service]
User=$(input user)
Environment=CONFIG_DISTRO_FILE_PATH=$(_config) PYTHONUNBUFFERED=1
ExecStart=$(input path)/environment/bin/pgadmin4
Restart=always
RestartSec=5
NoNewPrivileges=yes
PrivateTmp=yes
ProtectHome=yes
ProtectSystem=full
UMask=0077

[Install]
WantedBy=multi-user.target
UNIT
}

# The effective address: /etc/pgadmin/config_system.py of a person's own would win over the site's settings.
_loopback() {
    local seen
    seen=$(ss -Hltn "sport = :$(input port)" | awk '{ print $4 }' | sort | paste -sd ' ')
    if [[ $seen != "127.0.0.1:$(input port)" ]]; then
        untrue "pgAdmin listens on '$seen', wants 127.0.0.1:$(input port)." \
            "Fix: pulumi up restarts it; if /etc/pgadmin/config_system.py is there, take DEFAULT_SERVER out of it"
    fi
}

# What pgAdmin itself keeps: prints what is untrue of its login and its server.
_kept() {
    if [[ ! -e $(_database) ]]; then
        printf 'pgAdmin has no settings yet'
        return 1
    fi
    # shellcheck disable=SC2016  # Python, not Bash
    python3 -c 'import json, sqlite3, sys
database, email, servers = sys.argv[1:]
[wanted] = json.load(open(servers))["Servers"].values()
there = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)
login = there.execute("""SELECT user.id, locked FROM user JOIN roles_users ON user_id = user.id JOIN role ON role.id = role_id
    WHERE username = ? AND auth_source = ? AND active AND role.name = ?""", (email, "internal", "Administrator")).fetchall()
if not login:
    sys.exit(print(f"pgAdmin has no administrator {email} who may log in") or 1)
if login[0][1]:
    sys.exit(print(f"pgAdmin has locked the login {email} after wrong passwords. Fix: pulumi up unlocks it") or 1)
seen = there.execute("SELECT host, port, maintenance_db, username FROM server WHERE name = ? AND user_id = ?",
    (wanted["Name"], login[0][0])).fetchall()
if seen != [tuple(wanted[key] for key in ("Host", "Port", "MaintenanceDB", "Username"))]:
    sys.exit(print("pgAdmin'"'"'s list of servers does not have %(Name)s at %(Host)s:%(Port)s" % wanted) or 1)' \
        "$(_database)" "$(input email)" "$(_servers)" 2>&1 | tail -n 1
}

_why() { unit_log orchestra-pgadmin -n 40 | { grep -vE '^(\s|Traceback|orchestra-pgadmin\.service|St(art|opp)(ed|ing) )' || true; } | tail -n 1 | cut -c -300; }
