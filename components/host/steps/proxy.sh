# Programs of this host use the site's proxies: by variables in upper and lower case, and by their own settings.
# rows: H14
# inputs: http https ftp services
# bulk: no_proxy
# uses: host
#
# A service is not restarted while it runs GPU containers: it gets new proxies when these have ended. Who reads what:
#   /etc/environment              PAM: SSH, console, su, cron. (pam_env before 1.5 ends at a line over 1,023 characters:
#                                 no_proxy comes last.) Others write it too: our lines are between marks.
#   /etc/profile.d                login shells, also those of sudo -i
#   /etc/sudoers.d                sudo drops such variables unless told to keep them
#   apt.conf.d, dnf.conf          package managers; apt knows no_proxy by exact host only
#   /etc/systemd/system/*.d       services read none of these: containerd, docker and kubelet get a drop-in each
# Not covered: other services, users' own systemd units.

_marks='/^# gpu-metal begin$/,/^# gpu-metal end$/'
_apt=/etc/apt/apt.conf.d/90gpu-metal-proxy
_dnf=/etc/dnf/dnf.conf
_profile=/etc/profile.d/gpu-metal-proxy.sh
_sudoers=/etc/sudoers.d/gpu-metal-proxy

check() {
    local path unit
    if ! _environment | same_file /etc/environment; then untrue "/etc/environment lacks the site's proxies"; fi
    for path in $(_files); do
        if ! _text "$path" | same_file "$path"; then untrue "$path is not what the site's proxy says"; fi
    done
    for unit in $(_dropped); do untrue "$unit still has the site's proxies"; done
    for unit in $(_services); do
        if _is_stale "$unit" && ! _in_use "$unit" >/dev/null; then untrue "$unit runs with other proxies than the site's"; fi
    done
}

apply() {
    local path unit
    if [[ -x /usr/sbin/visudo ]]; then _text "$_sudoers" | visudo -c -f - >/dev/null; fi
    keep /etc/environment
    _environment | write_file /etc/environment 0644
    for path in $(_files); do
        keep "$path"
        _text "$path" | write_file "$path" "$(_mode "$path")"
    done
    for unit in $(_dropped); do restore "$(_drop_in "$unit")"; done
    for unit in $(_services) $(_dropped); do
        if _is_stale "$unit"; then _restart "$unit"; fi
    done
}

# Others may have changed the rest of /etc/environment since.
undo() {
    local path unit
    # sudo may have been removed meanwhile, or installed after the proxies.
    for path in $(_files) "$_sudoers"; do restore "$path"; done
    if [[ -n $(_others) ]]; then _others | write_file /etc/environment 0644; else restore /etc/environment; fi
    for unit in $(_services); do
        if _has_proxy "$unit"; then _restart "$unit"; fi
    done
}

_services() { input services '' | tr ' ' '\n'; }

_dropped() { comm -23 <(previous services | tr ' ' '\n' | sort) <(_services | sort) | _with_drop_in; }

_with_drop_in() {
    local unit
    while read -r unit; do
        if [[ -n $unit && -e $(_drop_in "$unit") ]]; then printf '%s\n' "$unit"; fi
    done
}

_drop_in() { printf '/etc/systemd/system/%s.service.d/90-gpu-metal-proxy.conf' "$1"; }

_files() {
    local unit
    printf '%s\n' "$_profile"
    if [[ -x /usr/sbin/visudo ]]; then printf '%s\n' "$_sudoers"; fi
    case $(os_family) in
        debian) printf '%s\n' "$_apt" ;;
        rhel) printf '%s\n' "$_dnf" ;;
    esac
    for unit in $(_services); do printf '%s\n' "$(_drop_in "$unit")"; done
}

_mode() { if [[ $1 == "$_sudoers" ]]; then printf '0440'; else printf '0644'; fi; }

# http_proxy=…, HTTP_PROXY=… and so on; no_proxy last.
_variables() {
    local name value
    for name in http https ftp no; do
        if [[ $name == no ]]; then value=$(bulk no_proxy); else value=$(input "$name" ''); fi
        if [[ -n $value ]]; then printf '%s=%s\n' "${name}_proxy" "$value" "${name^^}_PROXY" "$value"; fi
    done
}

# The last line may lack its newline: awk adds it.
_others() {
    { sed "$_marks"'{/^# gpu-metal /d; /^[a-zA-Z]*_\(proxy\|PROXY\)=/d}' /etc/environment 2>/dev/null || true; } | awk 1
}

_environment() {
    _others
    printf '# gpu-metal begin\n'
    _variables
    printf '# gpu-metal end\n'
}

_text() {
    local name
    if [[ $1 == "$_dnf" ]]; then
        _dnf_conf "$1"
        return
    elif [[ $1 == "$_apt" ]]; then
        _apt_conf
        return
    fi
    printf '# gpu-metal\n'
    case $1 in
        "$_profile") _variables | sed "s/=\(.*\)/='\1'/; s/^/export /" ;;
        "$_sudoers") printf 'Defaults env_keep += "%s"\n' "$(_variables | sed 's/=.*//' | paste -sd ' ')" ;;
        # A percent sign is systemd's own.
        *) printf '[Service]\n' && _variables | sed 's/%/%%/g; s/.*/Environment="&"/' ;;
    esac
}

_apt_conf() {
    local name host
    printf '// gpu-metal\n'
    for name in http https ftp; do
        if [[ -n $(input "$name" '') ]]; then printf 'Acquire::%s::Proxy "%s";\n' "$name" "$(input "$name")"; fi
    done
    # Not domains, networks and IPv6 addresses, which apt cannot name here.
    for host in $(bulk no_proxy | tr ',' '\n' | grep -E '^[A-Za-z0-9][A-Za-z0-9.-]*$'); do
        printf 'Acquire::http::Proxy::%s "DIRECT";\nAcquire::https::Proxy::%s "DIRECT";\n' "$host" "$host"
    done
}

# The file with our proxy as the only one in its section main.
_dnf_conf() {
    awk -v proxy="$(input https "$(input http '')")" '
        /^\[/ { main = $0 == "[main]" }
        main && /^proxy[ \t]*=/ { next }
        { print }
        $0 == "[main]" { print "proxy=" proxy }
    ' "$1"
}

# Does the service run with other proxy variables than the site's?
_is_stale() {
    local pid
    pid=$(_pid "$1")
    if [[ -z $pid ]]; then return 1; fi
    if [[ -e $(_drop_in "$1") ]]; then
        ! cmp -s <(_variables | sort) <(_proxies_of "$pid")
    else
        _has_proxy "$1"
    fi
}

_has_proxy() {
    local pid
    pid=$(_pid "$1")
    [[ -n $pid && -n $(_proxies_of "$pid") ]]
}

_pid() {
    local pid
    pid=$(systemctl show --property=MainPID --value "$1.service")
    if ((pid > 0)); then printf '%s\n' "$pid"; fi
}

_proxies_of() {
    tr '\0' '\n' <"/proc/$1/environ" | grep -E '^[a-zA-Z]+_(proxy|PROXY)=' | sort
}

# Prints the containers that a restart could harm. The engine's own step restarts it when that is safe, or names them.
_in_use() {
    gpu_containers || { [[ $1 == docker ]] && docker_containers; }
}

_restart() {
    if _in_use "$1"; then
        printf '%s needs a restart, but was not restarted: these containers run\n' "$1"
        return
    fi
    systemctl daemon-reload
    systemctl restart "$1"
    # Wait until the process runs its own program: until then, /proc shows systemd's environment.
    # shellcheck disable=SC2016  # the inner bash expands it
    timeout 10 bash -c 'until [[ $(readlink "/proc/$(systemctl show -p MainPID --value "$1")/exe") != */systemd ]]
        do sleep 0.1; done' _ "$1" || true
}
