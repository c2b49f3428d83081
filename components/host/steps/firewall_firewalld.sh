# firewalld admits only what the layers in use need: its default is a zone of our own, which holds nothing else.
# rows: H17
# bulk: zone policy ipset4 ipset6
# uses: host
#
# Other zones stay as they are; check reports an interface that is tied to one of them, but does not move it. Our policy
# accepts forwarded traffic: pods and containers have rules of their own.

_conf=/etc/firewalld/firewalld.conf
_mask=/etc/systemd/system/firewalld.service
_was_off=$GPU_METAL_HOME/firewalld-was-off

check() {
    local path zone set
    for path in $(_files); do
        if ! bulk "$(_key "$path")" | same_file "$path"; then untrue "$path is not what the site's layers need"; fi
    done
    if ! systemctl is-enabled -q firewalld; then untrue "firewalld is not enabled"; fi
    zone=$(firewall-cmd --get-default-zone) || untrue "firewalld does not run. Fix: journalctl -u firewalld -n 20 says why"
    if [[ $zone != gpu-metal ]]; then untrue "firewalld's default zone is $zone, wants gpu-metal"; fi
    if ! cmp -s <(_zone) <(_zone --permanent); then
        untrue "firewalld's zone gpu-metal is not as it was loaded:" \
            "$(diff <(_zone --permanent) <(_zone) | sed -n 's/^[<>]\s*/ /p' | paste -sd ';')"
    fi
    for set in 4 6; do
        if ! cmp -s <(_entries "$set") <(firewall-cmd --ipset="gpu-metal-site$set" --get-entries | sed '/^$/d' | sort); then
            untrue "firewalld's set gpu-metal-site$set is not as it was loaded"
        fi
    done
    _check_interfaces
}

_check_interfaces() {
    local name zone
    for name in $(ip -o route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | sort -u); do
        zone=$(firewall-cmd --get-zone-of-interface="$name" 2>/dev/null || true)
        if [[ ${zone:-gpu-metal} != gpu-metal ]]; then
            untrue "has $name in the zone $zone, wants it in the default zone." \
                "Fix: firewall-cmd --permanent --zone=$zone --remove-interface=$name && firewall-cmd --reload"
        fi
    done
}

apply() {
    local path
    keep "$_conf"
    for path in $(_files); do
        keep "$path"
        bulk "$(_key "$path")" | write_file "$path" 0644
    done
    sed -E 's/^#?DefaultZone=.*/DefaultZone=gpu-metal/' "$_conf" | write_file "$_conf" 0644
    # With a wrong file firewalld falls back to the distribution's rules.
    if ! firewall-offline-cmd --check-config; then
        _put_back
        return 1
    fi
    if [[ $(readlink "$_mask") == /dev/null ]]; then rm "$_mask"; fi
    # systemd remembers the mask as long as another unit names firewalld, as Docker's does.
    if [[ $(systemctl show -p LoadState --value firewalld) == masked ]]; then systemd_reload; fi
    if ! systemctl is-enabled -q firewalld; then : >"$_was_off"; fi
    systemctl enable -q --no-reload firewalld
    if systemctl is-active -q firewalld; then
        _sparing_iptables firewall-cmd -q --reload
    else
        _sparing_iptables systemctl start firewalld
    fi
}

# _sparing_iptables COMMAND…: firewalld before 1.2.5 flushes iptables' rules of others when it loads its own (its issue
# 863), also those of pods with a hostPort, which nobody writes again. With FirewallBackend=iptables they are its own too.
_sparing_iptables() {
    local six saved=$GPU_METAL_RUN/iptables.$BASHPID
    for six in '' 6; do
        "ip${six}tables-save" >"$saved$six" 2>/dev/null || rm -f "$saved$six"
    done
    "$@"
    for six in '' 6; do
        if [[ -s $saved$six ]] && ! grep -qx 'FirewallBackend=iptables' "$_conf" &&
            [[ -n $(comm -23 <(grep '^-A' "$saved$six" | sort) <("ip${six}tables-save" | grep '^-A' | sort)) ]]; then
            "ip${six}tables-restore" <"$saved$six"
        fi
        rm -f "$saved$six"
    done
}

undo() {
    _put_back
    if [[ -e $_was_off ]]; then
        systemctl disable -q --no-reload firewalld
        systemctl stop firewalld
        rm "$_was_off"
    elif systemctl is-active -q firewalld; then
        _sparing_iptables firewall-cmd -q --reload
    fi
}

_put_back() {
    local path
    for path in "$_conf" $(_files); do restore "$path"; done
}

_files() {
    printf '/etc/firewalld/%s\n' ipsets/gpu-metal-site{4,6}.xml policies/gpu-metal-forward.xml zones/gpu-metal.xml
}

_key() {
    case $1 in
        *site4.xml) printf 'ipset4' ;;
        *site6.xml) printf 'ipset6' ;;
        */policies/*) printf 'policy' ;;
        */zones/*) printf 'zone' ;;
    esac
}

# The zone without its interfaces and its state.
_zone() {
    firewall-cmd "$@" --zone=gpu-metal --list-all | sed -E '/^gpu-metal|^  (interfaces|sources):/d' | sort
}

_entries() {
    bulk "ipset$1" | sed -n 's,.*<entry>\(.*\)</entry>,\1,p' | sort
}
