# chrony runs and uses the site's time servers, beside those of its own configuration.
# rows: H8
# inputs: servers
#
# If chrony reads a folder of sources, our file goes there and no restart is needed; else its configuration includes it.

check() {
    local server unit file
    unit=$(os_path chrony_unit) file=$(os_path chrony_servers)
    if ! _wanted | same_file "$file"; then untrue "$file is not what timeServers says"; fi
    if ! _is_read; then untrue "$(os_path chrony_conf) does not include $file"; fi
    if ! systemctl is-enabled -q "$unit"; then untrue "chrony is not enabled"; fi
    if ! systemctl is-active -q "$unit"; then untrue "chrony does not run"; fi
    for server in $(input servers); do
        if ! _asks "$server"; then
            untrue "chrony does not ask $server. Fix: see that its name resolves: getent hosts $server"
        fi
    done
}

apply() {
    local conf
    conf=$(os_path chrony_conf)
    keep "$(os_path chrony_servers)"
    _wanted | write_file "$(os_path chrony_servers)" 0644
    if ! _is_read; then
        { awk 1 "$conf" && _include; } | write_file "$conf" "$(stat -Lc %a "$conf")"
    fi
    # --no-reload: else systemd reads all its units again, which can cost containers their GPUs.
    systemctl enable -q --no-reload "$(os_path chrony_unit)"
    systemctl start "$(os_path chrony_unit)"
    _reload
    # For the step time_sync, which follows and reports the result: up to 60 s for the first answers, and then for a server
    # to follow. chrony counts as in sync without one when the one that it followed has left the site.
    if chronyc waitsync 12 0 0 5; then
        timeout 30 bash -c 'until chronyc -c sources | grep "^.,[*]," >/dev/null; do sleep 0.5; done' || true
    fi
}

undo() {
    local conf
    conf=$(os_path chrony_conf)
    restore "$(os_path chrony_servers)"
    if grep -qxF "$(_include)" "$conf" 2>/dev/null; then
        grep -vxF "$(_include)" "$conf" | write_file "$conf" "$(stat -Lc %a "$conf")"
    fi
    if systemctl is-active -q "$(os_path chrony_unit)"; then _reload; fi
}

_wanted() {
    printf '# gpu-metal\n'
    # shellcheck disable=SC2046  # one word is one server
    printf 'server %s iburst\n' $(input servers)
}

_include() {
    printf 'include %s\n' "$(os_path chrony_servers)"
}

# chronyc before 4.0 (Ubuntu 20.04) has no -N and prints no names: there we trust the file, which is read at a restart.
_asks() {
    if ! chronyc -N -v >/dev/null 2>&1; then return; fi
    chronyc -c -N sources -a | cut -d, -f3 | grep -xF "$1" >/dev/null
}

_is_read() {
    _reads_folder || grep -qxF "$(_include)" "$(os_path chrony_conf)"
}

_reads_folder() {
    grep -qxE "sourcedir\s+$(dirname "$(os_path chrony_servers)")/?" "$(os_path chrony_conf)"
}

_reload() {
    if _reads_folder; then chronyc reload sources; else systemctl restart "$(os_path chrony_unit)"; fi
}
