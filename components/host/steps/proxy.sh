# Programs of this host use the site's proxies: by variables in upper and lower case, and by their own settings.
# rows: H14
# inputs: http https ftp services
# bulk: no_proxy
# uses: host
#
# A service is not restarted while containers would lose their GPUs by it: it gets new proxies when these have ended. (A
# privileged pod, kube-proxy say, has all devices of a GPU host, always; it loses none.) Who reads what:
#   /etc/environment              PAM: SSH, console, su, cron. (pam_env before 1.5 ends at a line over 1,023 characters:
#                                 no_proxy comes last.) Others write it too: our lines are between marks.
#   /etc/profile.d                login shells, also those of sudo -i
#   /etc/sudoers.d                sudo drops such variables unless told to keep them
#   apt.conf.d, dnf.conf          package managers; apt knows no_proxy by exact host only
#   /etc/systemd/system/*.d       services read none of these: containerd, docker and kubelet get a drop-in each
# Files of others that win over these are named, not changed: apt.conf, later drop-ins and profiles.
# Not covered: other services, users' own systemd units.

_marks='/^# gpu-metal begin$/,/^# gpu-metal end$/'
_apt=/etc/apt/apt.conf.d/90gpu-metal-proxy
_dnf=/etc/dnf/dnf.conf
_profile=/etc/profile.d/gpu-metal-proxy.sh
_sudoers=/etc/sudoers.d/gpu-metal-proxy

check() {
    local path unit winner
    if ! _environment | same_file /etc/environment; then untrue "/etc/environment lacks the site's proxies"; fi
    for path in $(_files); do
        if ! _text "$path" | same_file "$path"; then untrue "$path is not what the site's proxy says"; fi
    done
    for unit in $(_dropped); do untrue "$unit still has the site's proxies"; done
    winner=$(_winner)
    if [[ -n $winner ]]; then untrue "$winner"; fi
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
        # A restart in vain: it would come back with the other file's proxies.
        if _is_stale "$unit" && [[ -z $(_unit_winner "$unit") ]]; then _restart "$unit"; fi
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

# Says which file of others wins over ours, and in which program; nothing if none does.
_winner() {
    local unit
    {
        if [[ $(os_family) == debian ]]; then _apt_winner; fi
        _login_winner
        for unit in $(_services); do _unit_winner "$unit"; done
    } | sed -n 1p
}

_wins() { # WHAT FILE
    printf '%s: %s comes after ours and wins. Fix: take the proxy out of %s, or write the same in the site as there\n' \
        "$1" "$2" "$2"
}

# What FILE gives to proxy variables, one NAME=VALUE a line
_assigned() {
    { grep -vE '^[[:space:]]*[#;]' "$1" 2>/dev/null || true; } |
        { grep -oiE "\\b[a-z]+_proxy=[^\"'[:space:]]*" || true; }
}

# The value in force, and the command that would choose another proxy: apt asks it first.
_apt_winner() {
    local kind dump seen finder
    dump=$(apt-config dump --format '%f=%v%n')
    for kind in http https ftp; do
        if [[ -z $(input "$kind" '') ]]; then continue; fi
        seen=$(sed -n "s/^Acquire::$kind::Proxy=//Ip" <<<"$dump")
        finder=$(sed -nE "s/^Acquire::$kind::Proxy-?Auto-?Detect=(.)/\1/Ip" <<<"$dump")
        if [[ -n $finder ]]; then
            printf 'apt asks %s for its %s proxy, wants %s without asking. Fix: take that line out of %s\n' "$finder" \
                "$kind" "$(input "$kind")" "$(grep -lisF -- "$finder" /etc/apt/apt.conf /etc/apt/apt.conf.d/* | paste -sd ' ')"
        elif [[ $seen != "$(input "$kind")" ]]; then
            _wins "apt has ${seen:-no} $kind proxy, wants $(input "$kind")" "$(_last_apt_file)"
        fi
    done
}

# apt reads apt.conf.d by name, and /etc/apt/apt.conf after all of it.
_last_apt_file() {
    local file found=/etc/apt/apt.conf
    if grep -isq proxy /etc/apt/apt.conf; then
        printf '%s\n' "$found"
        return
    fi
    for file in /etc/apt/apt.conf.d/*; do
        if [[ ${file##*/} > ${_apt##*/} ]] && grep -iq proxy "$file"; then found=$file; fi
    done
    printf '%s\n' "$found"
}

# In a login shell of nobody: what /etc/profile and its folder make of the variables.
_login_winner() {
    local seen line file found=/etc/profile
    seen=$(env -i HOME=/nonexistent PATH="$PATH" timeout 10 bash -lc env 2>/dev/null) || return 0
    line=$(_variables | grep -vxF -f <(printf '%s\n' "$seen") | head -n 1) || return 0
    for file in /etc/profile.d/*; do
        if [[ $file != "$_profile" ]] && _assigned "$file" | grep -i "^${line%%=*}=" >/dev/null; then found=$file; fi
    done
    _wins "a login shell has ${line%%=*}=$(sed -n "s/^${line%%=*}=//p" <<<"$seen"), wants ${line#*=}" "$found"
}

# Ours replaces what an earlier file sets, by name. A file of variables (EnvironmentFile) comes after all of them.
_unit_winner() { # UNIT
    local name file seen ours
    ours=$(_variables | sed 's/=.*//' | paste -sd '|')
    while IFS=$'\t' read -r name file; do
        seen=$(_assigned "$file" | grep -vxF -f <(_variables) || true)
        if [[ ! $name > 90-gpu-metal-proxy.conf ]]; then seen=$(grep -vE "^($ours)=" <<<"$seen" || true); fi
        if [[ -n $seen ]]; then
            _wins "$1 has ${seen%%$'\n'*}, wants the site's proxies only" "$file"
            return
        fi
    done < <(_settings "$1")
}

# `NAME<tab>FILE` of what sets variables of a unit besides our drop-in
_settings() {
    local folder
    for folder in /etc/systemd/system /run/systemd/system /usr/lib/systemd/system; do
        find "$folder/$1.service.d" -name '*.conf' ! -name 90-gpu-metal-proxy.conf -printf '%f\t%p\n' 2>/dev/null || true
    done
    systemctl show --property=EnvironmentFiles --value "$1.service" | sed -nE 's/^(\S+).*/~\t\1/p'
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
    gpu_containers losing || { [[ $1 == docker ]] && docker_containers; }
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
