# chrony runs and asks the site's time servers, beside what its own configuration has.
# inputs: servers

check() {
    local server
    if ! _wanted | same_file /etc/chrony/sources.d/90-gpu-metal.sources; then
        untrue "/etc/chrony/sources.d/90-gpu-metal.sources is not what timeServers says"
    fi
    if ! systemctl is-enabled -q chrony; then untrue "chrony is not enabled"; fi
    if ! systemctl is-active -q chrony; then untrue "chrony does not run"; fi
    for server in $(input servers); do
        if ! chronyc -c -N sources -a | cut -d, -f3 | grep -xF "$server" >/dev/null; then
            untrue "chrony does not ask $server. Fix: see that its name resolves: getent hosts $server"
        fi
    done
}

apply() {
    keep /etc/chrony/sources.d/90-gpu-metal.sources
    _wanted | write_file /etc/chrony/sources.d/90-gpu-metal.sources 0644
    systemctl enable -q --now chrony
    chronyc reload sources
    # So that the check of sync that follows finds the first answers: 12 times 5 seconds, and it says what it found.
    chronyc waitsync 12 0 0 5 || true
}

undo() {
    restore /etc/chrony/sources.d/90-gpu-metal.sources
    if systemctl is-active -q chrony; then chronyc reload sources; fi
}

_wanted() {
    printf '# gpu-metal\n'
    # shellcheck disable=SC2046  # one word is one server
    printf 'server %s iburst\n' $(input servers)
}
