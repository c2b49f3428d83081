# The host uses the site's name servers and search domains.
# rows: H15
# inputs: servers search
#
# The program that keeps /etc/resolv.conf gets a drop-in: systemd-resolved, else NetworkManager. Without either, we
# write the file, and stop DHCP clients (dhclient, dhcpcd) from writing it. Where names are looked up through
# systemd-resolved (`resolve` in nsswitch.conf) while another keeps /etc/resolv.conf, both get the site's servers.
# Not covered: openresolv overwrites the file, which check reports.

_resolved=/etc/systemd/resolved.conf.d/90-gpu-metal.conf
_manager=/etc/NetworkManager/conf.d/90-gpu-metal-dns.conf
_dhclient=/etc/dhcp/dhclient-enter-hooks.d/gpu-metal-dns
_dhcpcd=/etc/dhcpcd.enter-hook

check() {
    local path keeper seen wanted
    for path in $(_files); do
        if ! _text "$path" | same_file "$path"; then untrue "$path is not what the site's dns says"; fi
    done
    wanted=$(input servers)
    for keeper in $(_keepers); do
        seen=$(_seen "$keeper")
        if [[ $seen != "$wanted" ]]; then
            untrue "asks ${seen:-no name server}, wants $wanted (kept by $keeper). Fix: $(_to_mend "$keeper")"
        fi
    done
}

apply() {
    local path
    for path in $(_files); do
        keep "$path"
        _text "$path" | write_file "$path" 0644
    done
    _reread "$(_keepers)"
}

undo() {
    local path keepers
    keepers=$(_keepers)
    for path in "$_resolved" "$_manager" "$_dhclient" "$_dhcpcd" /etc/resolv.conf; do restore "$path"; done
    _reread "$keepers"
}

# Who answers this host's programs: the keeper of /etc/resolv.conf, and systemd-resolved where glibc asks it directly.
_keepers() {
    _keeper
    if [[ $(_keeper) != systemd-resolved ]] && systemctl is-active -q systemd-resolved &&
        grep -Eqs '^\s*hosts:.*\sresolve(\s|$)' /etc/nsswitch.conf; then
        printf 'systemd-resolved\n'
    fi
}

_keeper() {
    if [[ $(readlink -m /etc/resolv.conf) == /run/systemd/resolve/* ]]; then
        printf 'systemd-resolved\n'
    elif systemctl is-active -q NetworkManager && ! grep -Eqs '^\s*dns\s*=\s*none' \
        /etc/NetworkManager/NetworkManager.conf /etc/NetworkManager/conf.d/*.conf; then
        printf 'NetworkManager\n'
    else
        printf 'gpu-metal\n'
    fi
}

_files() {
    local keeper
    for keeper in $(_keepers); do
        case $keeper in
            systemd-resolved) printf '%s\n' "$_resolved" ;;
            NetworkManager) printf '%s\n' "$_manager" ;;
            *)
                printf '/etc/resolv.conf\n'
                # samba-common brings the folder to hosts that have no dhclient, after this step.
                if [[ -x /usr/sbin/dhclient && -d ${_dhclient%/*} ]]; then printf '%s\n' "$_dhclient"; fi
                if [[ -e /etc/dhcpcd.conf ]]; then printf '%s\n' "$_dhcpcd"; fi
                ;;
        esac
    done
}

# The files that say name servers too, or who wrote /etc/resolv.conf
_to_mend() { # KEEPER
    local files=() line
    case $1 in
        systemd-resolved)
            mapfile -t files < <(grep -lsE '^\s*(DNS|FallbackDNS)\s*=' /etc/systemd/resolved.conf \
                {/etc,/run,/usr/lib}/systemd/resolved.conf.d/*.conf | grep -vxF "$_resolved" || true)
            ;;
        NetworkManager)
            mapfile -t files < <(grep -lsE '^\s*\[global-dns' {/etc,/run,/usr/lib}/NetworkManager/conf.d/*.conf |
                grep -vxF "$_manager" || true)
            ;;
        *) line=$(grep -m 1 '^[#;]' /etc/resolv.conf 2>/dev/null || true) ;;
    esac
    if ((${#files[@]})); then
        printf 'take the name servers out of %s\n' "$(printf '%s\n' "${files[@]}" | paste -sd ' ')"
    elif [[ -n ${line-} && $line != '# gpu-metal' ]]; then
        printf 'see who writes /etc/resolv.conf; it begins with "%s"\n' "$line"
    else
        printf 'see what else writes name servers: ls -l /etc/resolv.conf; head -n 3 /etc/resolv.conf\n'
    fi
}

# shellcheck disable=SC2016  # dhcpcd's script expands its variable
_text() {
    printf '# gpu-metal\n'
    case $1 in
        # An empty DNS= first: the list starts anew after earlier files.
        # `~.`: all names go to these servers, whatever DHCP has told an interface.
        "$_resolved") printf '[Resolve]\nDNS=\nDNS=%s\nDomains=%s ~.\n' "$(input servers)" "$(input search '')" ;;
        # This overrides the settings of connections (NetworkManager.conf(5), global-dns).
        "$_manager")
            printf '[global-dns]\nsearches=%s\n\n' "$(input search '' | tr ' ' ',')"
            printf '[global-dns-domain-*]\nservers=%s\n' "$(input servers | tr ' ' ',')"
            ;;
        "$_dhclient") printf 'make_resolv_conf() { :; }\n' ;;
        "$_dhcpcd") printf 'skip_hooks="$skip_hooks resolv.conf"\n' ;;
        /etc/resolv.conf)
            input servers | tr ' ' '\n' | sed 's/^/nameserver /'
            if [[ -n $(input search '') ]]; then printf 'search %s\n' "$(input search)"; fi
            ;;
    esac
}

# resolved lists the interfaces' servers after ours, and uses them for their own domains only.
_seen() { # KEEPER
    local file=/etc/resolv.conf most=3
    if [[ $1 == systemd-resolved ]]; then
        file=/run/systemd/resolve/resolv.conf most=$(input servers | wc -w)
    fi
    sed -nE 's/^nameserver\s+//p' "$file" 2>/dev/null | head -n "$most" | paste -sd ' '
}

_reread() { # KEEPERS
    local keeper
    for keeper in $1; do
        case $keeper in
            systemd-resolved) systemctl restart systemd-resolved ;;
            NetworkManager)
                systemctl reload NetworkManager
                # NetworkManager writes the file a moment later. If it does not, check reports it.
                if [[ -e $_manager ]]; then timeout 10 bash -c "until grep -qw '$(input servers | cut -d' ' -f1)' \
                    /etc/resolv.conf; do sleep 0.2; done" || true; fi
                ;;
        esac
    done
}
