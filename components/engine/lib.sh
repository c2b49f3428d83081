# shellcheck shell=bash
# For steps with `# uses: engine`: restarts of a container engine, which can cost running containers their GPUs (G8).
# uses: host

# engine_due UNIT [reload]: notes that UNIT must be restarted (or reloaded) for settings that are about to be written;
# called first, so that an interruption loses nothing. A unit that does not run reads them when it starts.
engine_due() {
    local mark=$GPU_METAL_HOME/$1-due
    systemctl is-active -q "$1" || return 0
    [[ -e $mark && $(<"$mark") == restart ]] || printf '%s\n' "${2:-restart}" | write_file "$mark" 0600
}

# engine_stale UNIT: prints which settings the running UNIT does not use yet; status 1 when it uses all of them
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

# engine_refresh UNIT: restarts or reloads UNIT, so that it uses all of them. Refused while it would harm containers.
engine_refresh() {
    local mark=$GPU_METAL_HOME/$1-due how=restart harmed
    [[ ! -e $mark ]] || how=$(<"$mark")
    ! _engine_unread "$1" || how=daemon-reload
    if [[ $how != reload ]] && harmed=$(_engine_harms "$1"); then
        untrue "$1 must be restarted for its changed settings, and containers with GPUs run: ${harmed//$'\n'/, }." \
            "Nothing was restarted. Fix: drain or stop them, then pulumi up"
    fi
    [[ $how != daemon-reload ]] || systemctl daemon-reload || return
    # A daemon that failed to start may have used up systemd's limit of starts.
    systemctl reset-failed "$1" 2>/dev/null || true
    if [[ $how == reload ]]; then systemctl reload "$1"; else systemctl try-restart "$1"; fi || return
    rm -f "$mark"
}

# Containers with GPUs that a restart of UNIT would harm: all of docker's, unless it restores them.
_engine_harms() {
    if [[ $1 == docker && $(docker info --format '{{.LiveRestoreEnabled}}' 2>/dev/null) != true ]]; then
        gpu_containers
    else
        gpu_containers losing
    fi
}

# Has the unit files that systemd has not read? NeedDaemonReload alone may miss a new folder.
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
