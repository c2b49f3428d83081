# shellcheck shell=bash
# For steps with `# uses: engine`: restarts of a container engine, which can cost running containers their GPUs (G8).
# uses: host

# engine_due UNIT [reload|restart|stop]: notes that UNIT must be restarted (or reloaded) for settings that are about to
# be written; called first, so that an interruption loses nothing. `stop`: live-restore does not carry containers over
# this change. A unit that does not run reads them when it starts.
engine_due() {
    local mark=$GPU_METAL_HOME/$1-due new=${2:-restart} now=''
    systemctl is-active -q "$1" || return 0
    [[ ! -e $mark ]] || now=$(<"$mark")
    case "$now $new" in
        stop\ * | 'restart reload') ;;
        *) printf '%s\n' "$new" | write_file "$mark" 0600 ;;
    esac
}

# unit_see UNIT KEY…: what systemd says of the unit, into the table `unit_seen`, by KEY: one request for all of them
unit_see() {
    local line text words=()
    for line in "${@:2}"; do words+=(-p "$line"); done
    text=$(systemctl show "${words[@]}" -- "$1") || return
    while IFS= read -r line; do unit_seen[${line%%=*}]=${line#*=}; done <<<"$text"
}

# engine_runs UNIT: is it enabled, and does it run? Prints which of them is untrue, as a check says it; status 1 then
engine_runs() {
    local -A unit_seen=()
    unit_see "$1" UnitFileState ActiveState
    if [[ ${unit_seen[UnitFileState]-} != enabled ]] && ! systemctl is-enabled -q "$1"; then
        printf '%s is not enabled' "$1"
        return 1
    fi
    if [[ ${unit_seen[ActiveState]-} != active ]] && ! systemctl is-active -q "$1"; then
        printf '%s does not run. Fix: journalctl -u %s -n 20 says why' "$1" "$1"
        return 1
    fi
}

# engine_stale UNIT: prints which settings the running UNIT does not use yet; status 1 when it uses all of them
engine_stale() {
    local lacking
    local -A unit_seen=()
    if [[ -e $GPU_METAL_HOME/$1-due ]]; then
        printf '%s runs with older settings than its files have' "$1"
        return
    fi
    unit_see "$1" NeedDaemonReload DropInPaths MainPID Environment
    if _engine_unread "$1"; then
        printf 'systemd has not read the changed files of %s.service' "$1"
    else
        lacking=$(_engine_lacking)
        [[ -n $lacking ]] || return 1
        printf '%s runs without %s, which its unit sets' "$1" "$lacking"
    fi
}

# engine_refresh UNIT: restarts or reloads UNIT, so that it uses all of them. Refused while it would harm containers.
engine_refresh() {
    local mark=$GPU_METAL_HOME/$1-due how=restart
    local -A unit_seen=()
    [[ ! -e $mark ]] || how=$(<"$mark")
    unit_see "$1" NeedDaemonReload DropInPaths
    if _engine_unread "$1"; then
        [[ $how == stop ]] || how=restart
        engine_spares "$1" "$how"
        systemctl daemon-reload || return
    elif [[ $how != reload ]]; then
        engine_spares "$1" "$how"
    fi
    # A daemon that failed to start may have used up systemd's limit of starts.
    systemctl reset-failed "$1" 2>/dev/null || true
    if [[ $how == reload ]]; then systemctl reload "$1"; else systemctl try-restart "$1"; fi || return
    rm -f "$mark"
}

# engine_spares UNIT [stop]: refuses a restart of UNIT that would harm running containers: those that would lose their
# GPUs and, of Docker, all that it does not carry over a restart.
engine_spares() {
    local harmed names
    if harmed=$(gpu_containers losing); then
        untrue "$1 must be restarted for its changed settings, and containers with GPUs run: ${harmed//$'\n'/, }." \
            "Nothing was restarted. Fix: drain or stop them, then pulumi up"
    fi
    if [[ $1 == docker && -n $(engine_stops "${2-}") ]]; then
        harmed=$(engine_stops "${2-}")
        names=${harmed//$'\n'/ }
        untrue "docker must be restarted for its changed settings, and these containers would stop by it:" \
            "${harmed//$'\n'/, } ($(_engine_why_stops "${2-}")). Nothing was restarted." \
            "Fix: docker stop $names, then pulumi up; docker start $names brings them back"
    fi
}

# engine_stops [stop]: names of the containers that a restart of Docker would stop; `stop` as of engine_due
engine_stops() {
    if [[ ${1-} == stop ]] || ! _engine_restores; then docker_containers || true; fi
}

_engine_why_stops() {
    if [[ $1 == stop ]]; then
        printf 'live-restore does not carry them over this change'
    else
        printf 'Docker runs without live-restore, or would start without it'
    fi
}

# Does Docker carry containers over a restart: is live-restore in force, and will it be?
_engine_restores() {
    docker_live_restore || return
    [[ $(jq '."live-restore"' /etc/docker/daemon.json 2>/dev/null) == true ]] ||
        grep -xE -- '--live-restore(=true)?' <(engine_flags docker) >/dev/null
}

# docker_live_restore: do containers run on when the daemon that runs now ends?
docker_live_restore() {
    [[ $(timeout 30 docker info --format '{{.LiveRestoreEnabled}}' 2>/dev/null) == true ]]
}

# engine_flags UNIT: the flags with which UNIT will start its daemon, one a line, with the variables of its environment
engine_flags() {
    local command word words
    command=$(systemctl show -p ExecStart --value "$1" | sed -nE 's/^\{ path=.* ; argv\[\]=(.*) ; ignore_errors=.*/\1/p')
    read -ra words <<<"$command"
    for word in "${words[@]:1}"; do
        case $word in
            '$'*) _engine_variable "$1" "${word//[\$\{\}]/}" | xargs -r printf '%s\n' ;;
            *) printf '%s\n' "$word" ;;
        esac
    done
}

# _engine_variable UNIT NAME: its value in the files of the unit's environment, else in the unit
_engine_variable() {
    local files
    files=$(systemctl show -p EnvironmentFiles --value "$1" | sed -E 's/ \(ignore_errors=.*//')
    {
        systemctl show -p Environment --value "$1" | xargs -r printf '%s\n'
        # shellcheck disable=SC2086  # paths of units have no blanks
        [[ -z $files ]] || cat -- $files 2>/dev/null || true
    } | sed -nE "s/^\s*$2=//p" | tail -n 1 | sed -E "s/^(['\"])(.*)\1\$/\2/"
}

# Has the unit files that systemd has not read? NeedDaemonReload alone may miss a new folder. From `unit_seen`
_engine_unread() {
    local file there=()
    [[ ${unit_seen[NeedDaemonReload]-} != yes ]] || return 0
    mapfile -t there < <(compgen -G "/etc/systemd/system/$1.service.d/*.conf")
    for file in "${there[@]}"; do
        [[ " ${unit_seen[DropInPaths]-} " == *" $file "* ]] || return 0
    done
    for file in ${unit_seen[DropInPaths]-}; do
        [[ $file != /etc/* || " ${there[*]} " == *" $file "* ]] || return 0
    done
    return 1
}

# The names of the proxies that the unit sets and its process was not given. From `unit_seen`
_engine_lacking() {
    local word words=() has=$'\n' lacking=()
    read -ra words <<<"${unit_seen[Environment]-}"
    [[ " ${words[*],,}" == *_proxy=* ]] || return 0
    while IFS= read -r -d '' word; do has+=$word$'\n'; done 2>/dev/null <"/proc/${unit_seen[MainPID]-0}/environ" || true
    for word in "${words[@]}"; do
        [[ ! ${word,,} =~ ^[a-z]*_proxy= || $has == *$'\n'"$word"$'\n'* ]] || lacking+=("${word%%=*}")
    done
    [[ ${#lacking[@]} -eq 0 ]] || printf '%s\n' "${lacking[@]}" | sort | paste -sd ' '
}

# containerd's settings, for the step that writes them.

# containerd_declared → REPLY: the version that config.toml declares, before its first table: all files must have the
# same one, or keys of the older one are lost.
containerd_declared() {
    local line
    REPLY=
    if [[ ! -f /etc/containerd/config.toml ]]; then return; fi
    while IFS= read -r line && [[ ! $line =~ ^[[:space:]]*'[' ]]; do
        if [[ $line =~ ^[[:space:]]*version[[:space:]]*=[[:space:]]*([0-9]+) ]]; then REPLY=${BASH_REMATCH[1]}; fi
    done </etc/containerd/config.toml
}

# containerd_cri_off DUMP: do these settings turn Kubernetes' interface off?
containerd_cri_off() {
    local off=$'\ndisabled_plugins = [^\n]*"(io\\.containerd\\.grpc\\.v1\\.)?cri"'
    [[ $'\n'$1 =~ $off ]]
}

# containerd_flat: the CRI settings of stdin as one line per value: section.key = value, in double quotes. 2.x calls
# sandbox_image sandbox.
containerd_flat() {
    awk '
        { gsub(/\047/, "\""); gsub(/^[ \t]+|[ \t]+$/, "") }
        /^\[/ { section = substr($0, 2, length($0) - 2); next }
        /^#/ || !/=/ || section !~ /\.cri/ { next }
        { sub(/[ \t]*=[ \t]*/, " = "); sub(/^sandbox_image /, "sandbox "); print section "." $0 }
    '
}

# containerd_major: 1, 2, … of the containerd that is installed
containerd_major() {
    containerd --version | sed -E 's/.* v?([0-9]+)\.[0-9]+\.[0-9]+.*/\1/'
}

# containerd_ours_alone: has nobody but us settings there? containerd 1.x reads no version 3; 2.x reads 2, and translates it.
containerd_ours_alone() {
    local line file
    for file in /etc/containerd/conf.d/*.toml; do
        if [[ -e $file && $file != */50-gpu-metal.toml ]]; then return 1; fi
    done
    while IFS= read -r line || [[ -n $line ]]; do
        case ${line//[[:space:]]/} in
            '' | '#'* | version=* | 'imports=["/etc/containerd/conf.d/*.toml"]') ;;
            *) return 1 ;;
        esac
    done </etc/containerd/config.toml
}
