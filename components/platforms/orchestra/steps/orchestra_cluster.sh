# Orchestra's own cluster of PostgreSQL runs from boot on, and listens on 127.0.0.1 and the declared addresses only.
# rows: T1
# inputs: port listen database user clients
# uses: host orchestra
#
# undo keeps its data: the next cluster of this name takes it up.

check() {
    local unit seen wins
    unit=$(cluster_unit)
    if [[ ! -e $(_etc)/postgresql.conf ]]; then untrue "has no cluster orchestra of PostgreSQL"; fi
    if ! _settings | same_file "$(_conf)"; then untrue "$(_conf) is not what the site says of the database"; fi
    if ! _access | same_file "$(_hba)"; then untrue "$(_hba) lets others in than the site says"; fi
    if ! _always | same_file "$(_drop_in)"; then untrue "$(_drop_in) does not restart the database when it ends"; fi
    if [[ $(grep -vE '^\s*(#|$)' "$(_etc)/start.conf") != auto ]]; then untrue "$unit does not start at boot"; fi
    if ! systemctl is-active -q "$unit"; then untrue "$unit does not run. Fix: journalctl -u $unit -n 20 says why"; fi
    seen=$(sql_root postgres -c 'SHOW listen_addresses' 2>&1) ||
        untrue "the database does not answer on port $(input port): $(head -n 1 <<<"$seen"). Fix: journalctl -u $unit -n 20"
    if [[ $seen != "$(_listen)" ]]; then
        wins=$(sql_root postgres -c "SELECT coalesce(sourcefile, source) FROM pg_settings WHERE name = 'listen_addresses'")
        untrue "the database listens on '$seen', wants '$(_listen)'; $wins decides." \
            "Fix: pulumi up restarts it; if postgresql.auto.conf decides: ALTER SYSTEM RESET listen_addresses"
    fi
}

apply() {
    local unit version listen
    version=$(cluster_version)
    if [[ ! -x /usr/lib/postgresql/$version/bin/postgres ]]; then
        untrue "has data of PostgreSQL $version in $(_data), and not that version's programs. Nothing was changed." \
            "Fix: packages: [postgresql-$version] for this host; or move the folder away"
    fi
    if [[ ! -e $(_etc)/postgresql.conf ]]; then _create "$version"; fi
    unit=$(cluster_unit)
    keep "$(_drop_in)"
    _settings | write_file "$(_conf)" 0644 postgres:postgres
    _access | write_file "$(_hba)" 0640 postgres:postgres
    _always | write_file "$(_drop_in)" 0644
    printf 'auto\n' | write_file "$(_etc)/start.conf" 0644 postgres:postgres
    systemd_reload
    listen=$(sql_root postgres -c 'SHOW listen_addresses' 2>/dev/null || true)
    if [[ $listen == "$(_listen)" ]]; then
        systemctl reload "$unit"
    else
        if ! systemctl is-active -q "$unit"; then port_free "$(input port)" "the database" database.port; fi
        systemctl restart "$unit" || true
    fi
    _wait || untrue "$unit does not start: $(_why). Fix: journalctl -u $unit -n 20; tail $(_log)"
}

undo() {
    local unit
    unit=$(cluster_unit)
    systemctl stop "$unit" 2>/dev/null || true
    systemctl reset-failed "$unit" 2>/dev/null || true
    restore "$(_drop_in)"
    # The package, once it is purged, takes data away whose settings it finds. With the data they come up again.
    if [[ -n $(cluster_version) ]]; then
        if [[ -d $(_data) && -e $(_etc)/postgresql.conf ]]; then cp -a -- "$(_etc)"/{postgresql,pg_hba,pg_ident}.conf "$(_data)"; fi
        rm -rf -- "$(_etc)"
        rmdir --ignore-fail-on-non-empty -- "/etc/postgresql/$(cluster_version)" 2>/dev/null || true
    fi
    if [[ -d $(_data) ]]; then printf 'left: the database, in %s\n' "$(_data)"; fi
}

_etc() { printf '/etc/postgresql/%s/%s' "$(cluster_version)" "orchestra"; }
_data() { printf '/var/lib/postgresql/%s/%s' "$(cluster_version)" "orchestra"; }
_conf() { printf '%s/conf.d/gpu-metal.conf' "$(_etc)"; }
_hba() { printf '%s/pg_hba.conf' "$(_etc)"; }
_log() { printf '/var/log/postgresql/postgresql-%s-%s.log' "$(cluster_version)" "orchestra"; }
_drop_in() { printf '/etc/systemd/system/%s.d/gpu-metal.conf' "$(cluster_unit)"; }

_listen() { printf '127.0.0.1 %s' "$(input listen '')" | awk '{ gsub(/ +$/, ""); gsub(/ +/, ", "); print }'; }

_settings() {
    printf '# gpu-metal\n'
    printf "listen_addresses = '%s'\nport = %s\npassword_encryption = scram-sha-256\n" "$(_listen)" "$(input port)"
}

_access() {
    local network
    printf '# gpu-metal\nlocal all postgres peer\n'
    printf 'host %s %s 127.0.0.1/32 scram-sha-256\n' "$(input database)" "$(input user)"
    for network in $(input clients ''); do
        printf 'hostssl %s %s %s scram-sha-256\n' "$(input database)" "$(input user)" "$network"
    done
}

_always() { printf '# gpu-metal\n[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=2\n'; }

# Of data that are there, pg_createcluster takes over the settings that lie with them, and wants all three files.
_create() {
    local said file
    if [[ -d $(_data) ]]; then
        for file in postgresql pg_hba pg_ident; do
            if [[ -e $(_data)/$file.conf ]]; then continue; fi
            if [[ $file == postgresql ]]; then printf "include_dir = 'conf.d'\n"; fi |
                write_file "$(_data)/$file.conf" 0640 postgres:postgres
        done
    fi
    systemd_reload # refuses where pg_createcluster's own reload would cost containers their GPUs
    said=$(LC_ALL=C.UTF-8 pg_createcluster --port "$(input port)" --start-conf auto "$1" "orchestra" 2>&1) ||
        untrue "PostgreSQL makes no cluster orchestra: $(grep -iE 'error' <<<"$said" | tail -n 1). Fix: what it names"
}

_wait() {
    local end=$((SECONDS + 60))
    until sql_root postgres -c 'SELECT 1' >/dev/null 2>&1; do
        if ((SECONDS > end)); then return 1; fi
        sleep 0.3
    done
}

_why() { { grep -E '(FATAL|PANIC|ERROR):' "$(_log)" 2>/dev/null || true; } | tail -n 1 | sed -E 's/^.*(FATAL|PANIC|ERROR): +//' | cut -c -300; }
