# This host resolves the names of the cluster's services: systemd-resolved asks the cluster's DNS for them, and for no others.
# rows: N3 N4 K4
# inputs: domain server
# uses: host
#
# systemd-resolved ties a domain to name servers by a link, so the host gets a link of its own for it. All other names are
# asked as before, whether the cluster's DNS answers or not. The link has that DNS' address, as kube-proxy's mode ipvs gives
# it to one: while kube-proxy has no rules for it, a question is refused at once, instead of waiting for an answer.

_link=gpu-metal-dns
_name=gpu-metal-service-names.service
_unit=/etc/systemd/system/$_name
_manager=/etc/NetworkManager/conf.d/90-gpu-metal-service-names.conf

check() {
    local path seen wanted
    for path in $(_files); do
        if ! _text "$path" | same_file "$path"; then untrue "$path is not the site's"; fi
    done
    if ! systemctl is-enabled -q $_name || ! systemctl is-active -q $_name; then untrue "$_name does not run"; fi
    seen=$(_seen)
    wanted="$(input server)/32 $(input server) ~$(input domain) no"
    if [[ $seen != "$wanted" ]]; then
        untrue "$_link has ${seen:-nothing}, wants $wanted (address, name server, domain, whether for other names too)"
    fi
}

apply() {
    local path
    for path in $(_files); do
        keep "$path"
        _text "$path" | write_file "$path" 0644
    done
    _reload_manager
    systemd_reload $_name
    if ! systemctl is-enabled -q $_name; then systemctl enable -q --no-reload $_name; fi
    if ! systemctl restart $_name; then untrue "$_name does not start: $(unit_log $_name -n 3 | paste -sd ' ')"; fi
}

undo() {
    local path
    systemctl disable -q --no-reload --now $_name 2>/dev/null || true
    systemctl reset-failed $_name 2>/dev/null || true
    for path in $_unit $_manager; do restore "$path"; done
    _reload_manager
}

_files() {
    printf '%s\n' $_unit
    if [[ -d ${_manager%/*} ]]; then printf '%s\n' $_manager; fi
}

_reload_manager() {
    if systemctl is-active -q NetworkManager; then systemctl reload NetworkManager; fi
}

# What the link has, while it is up; nothing when there is no such link
_seen() {
    local word
    if ! ip link show $_link >/dev/null 2>&1; then return; fi
    {
        ip -o -4 address show dev $_link up | awk '{ print $4 }'
        for word in dns domain default-route; do { resolvectl $word $_link || true; } | sed 's/^[^:]*: *//'; done
    } 2>/dev/null | paste -sd ' '
}

_text() { # FILE
    printf '# gpu-metal\n'
    case $1 in
        # NetworkManager would take the name servers of a link that it manages from systemd-resolved.
        "$_manager") printf '[device-%s]\nmatch-device=interface-name:%s\nmanaged=0\n' $_link $_link ;;
        *) _service ;;
    esac
}

# resolvectl waits until systemd-resolved has seen the new link. A half-made link leaves with the failed start.
_service() {
    local words
    printf '[Unit]\nDescription=Names of the cluster'\''s services, by systemd-resolved\n'
    printf 'Wants=systemd-resolved.service\nAfter=systemd-resolved.service\n\n'
    printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nTimeoutStartSec=60\n'
    printf 'ExecStartPre=-ip link delete %s\n' $_link
    printf 'ExecStart=ip link add %s type dummy\n' $_link
    printf 'ExecStart=ip address add %s/32 dev %s\n' "$(input server)" $_link
    printf 'ExecStart=ip link set %s up\n' $_link
    printf 'ExecStart=bash -c "until resolvectl dns %s %s; do sleep 0.5; done"\n' $_link "$(input server)"
    for words in "domain %s ~$(input domain)" 'default-route %s no' 'dnssec %s no' 'dnsovertls %s no'; do
        # shellcheck disable=SC2059  # the format has the link's place
        printf "ExecStart=resolvectl $words\n" $_link
    done
    printf 'ExecStopPost=-ip link delete %s\n\n[Install]\nWantedBy=multi-user.target\n' $_link
}
