# The host uses the site's name servers and search domains.
# rows: H15
# inputs: servers search
#
# The program that keeps /etc/resolv.conf gets a drop-in: systemd-resolved, else NetworkManager. Without either, we
# write the file, and stop DHCP clients (dhclient, dhcpcd) from writing it. Not covered: openresolv overwrites it, which
# check reports.

_resolved=/etc/systemd/resolved.conf.d/90-gpu-metal.conf
_manager=/etc/NetworkManager/conf.d/90-gpu-metal-dns.conf
_dhclient=/etc/dhcp/dhclient-enter-hooks.d/gpu-metal-dns
_dhcpcd=/etc/dhcpcd.enter-hook

check() {
    local path seen wanted
    for path in $(_files); do
        if ! _text "$path" | same_file "$path"; then untrue "$path is not what the site's dns says"; fi
    done
    seen=$(_seen) wanted=$(input servers)
    if [[ $seen != "$wanted" ]]; then
        untrue "asks ${seen:-no name server}, wants $wanted (kept by $(_keeper))." \
            "Fix: see what else writes name servers: ls -l /etc/resolv.conf; head -n 3 /etc/resolv.conf"
    fi
}

apply() {
    local path
    for path in $(_files); do
        keep "$path"
        _text "$path" | write_file "$path" 0644
    done
    _reread
}

undo() {
    local path keeper
    keeper=$(_keeper)
    for path in "$_resolved" "$_manager" "$_dhclient" "$_dhcpcd" /etc/resolv.conf; do restore "$path"; done
    _reread "$keeper"
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
    case $(_keeper) in
        systemd-resolved) printf '%s\n' "$_resolved" ;;
        NetworkManager) printf '%s\n' "$_manager" ;;
        *)
            printf '/etc/resolv.conf\n'
            if [[ -d ${_dhclient%/*} ]]; then printf '%s\n' "$_dhclient"; fi
            if [[ -e /etc/dhcpcd.conf ]]; then printf '%s\n' "$_dhcpcd"; fi
            ;;
    esac
}

# shellcheck disable=SC2016  # dhcpcd's script expands its variable
_text() {
    printf '# gpu-metal\n'
    case $1 in
        # `~.`: all names go to these servers, whatever DHCP has told an interface.
        "$_resolved") printf '[Resolve]\nDNS=%s\nDomains=%s ~.\n' "$(input servers)" "$(input search '')" ;;
        # It overrides what connections have (NetworkManager.conf(5), global-dns).
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
_seen() {
    local file=/etc/resolv.conf most=3
    if [[ $(_keeper) == systemd-resolved ]]; then
        file=/run/systemd/resolve/resolv.conf most=$(input servers | wc -w)
    fi
    sed -nE 's/^nameserver\s+//p' "$file" 2>/dev/null | head -n "$most" | paste -sd ' '
}

_reread() {
    case ${1:-$(_keeper)} in
        systemd-resolved) systemctl restart systemd-resolved ;;
        NetworkManager)
            systemctl reload NetworkManager
            # It writes the file a moment later; check says what it found.
            if [[ -e $_manager ]]; then timeout 10 bash -c "until grep -qw '$(input servers | cut -d' ' -f1)' \
                /etc/resolv.conf; do sleep 0.2; done" || true; fi
            ;;
    esac
}
