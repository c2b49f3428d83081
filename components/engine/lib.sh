# shellcheck shell=bash
# For steps that say `# uses: engine`: restarts of a container engine, which can cost running containers their GPUs (G8).
# uses: host

# engine_due UNIT [reload]: UNIT must be restarted (or reloaded) for settings that are about to be written. Said before
# they are, so that a cut in between loses nothing. A unit that does not run reads them when it starts.
engine_due() {
    local mark=$GPU_METAL_HOME/$1-due
    systemctl is-active -q "$1" || return 0
    [[ -e $mark && $(<"$mark") == restart ]] || printf '%s\n' "${2:-restart}" | write_file "$mark" 0600
}

# engine_stale UNIT: says which of the running UNIT's settings are not in force; status 1 when all are
engine_stale() {
    local lacking
    if [[ -e $GPU_METAL_HOME/$1-due ]]; then
        printf '%s runs with older settings than its files have' "$1"
    elif _engine_unread "$1"; then
        printf 'systemd has not read the changed files of %s.service' "$1"
    else
        lacking=$(comm -13 <(_engine_environment "$1") <(_engine_proxies "$1") | cut -d= -f1 | paste -sd ' ')
        [[ -n $lacking ]] || return 1
        printf '%s runs without %s, which its unit sets' "$1" "$lacking"
    fi
}

# engine_refresh UNIT: makes what engine_stale names true. Refused while containers run that it would harm.
engine_refresh() {
    local mark=$GPU_METAL_HOME/$1-due how=restart harmed
    [[ ! -e $mark ]] || how=$(<"$mark")
    ! _engine_unread "$1" || how=daemon-reload
    if [[ $how != reload ]] && harmed=$(_engine_harms "$1"); then
        untrue "$1 must be restarted for its changed settings, and containers with GPUs run: ${harmed//$'\n'/, }." \
            "Nothing was restarted. Fix: drain or stop them, then pulumi up"
    fi
    [[ $how != daemon-reload ]] || systemctl daemon-reload || return
    # Daemons that could not start before may have used up what systemd allows in a minute.
    systemctl reset-failed "$1" 2>/dev/null || true
    if [[ $how == reload ]]; then systemctl reload "$1"; else systemctl try-restart "$1"; fi || return
    rm -f "$mark"
}

# Containers that a restart of UNIT would harm: docker's all end with it unless it restores them.
_engine_harms() {
    if [[ $1 == docker && $(docker info --format '{{.LiveRestoreEnabled}}' 2>/dev/null) != true ]]; then
        gpu_containers
    else
        gpu_containers losing
    fi
}

# Has the unit files that systemd has not read? NeedDaemonReload alone may not see a folder that is new.
_engine_unread() {
    local seen there
    [[ $(systemctl show -p NeedDaemonReload --value "$1") != yes ]] || return 0
    seen=$(systemctl show -p DropInPaths --value "$1" | tr ' ' '\n' | grep ^/etc/ | sort) || true
    there=$(compgen -G "/etc/systemd/system/$1.service.d/*.conf" | sort) || true
    [[ $seen != "$there" ]]
}

_engine_environment() {
    local pid
    pid=$(systemctl show -p MainPID --value "$1")
    tr '\0' '\n' 2>/dev/null <"/proc/$pid/environ" | sort
}

_engine_proxies() {
    systemctl show -p Environment --value "$1" | tr ' ' '\n' | grep -i '^[a-z]*_proxy=' | sort
}
