# Outgoing TCP goes through the site's SOCKS5 proxy without settings in programs: nftables redirects it to redsocks.
# rows: H14
# inputs: address port interfaces direct
# uses: host
#
# Private, local and the site's direct destinations are left alone. The table is our own (nftables), loaded by a unit of
# our own that comes and goes with redsocks.

_conf=/etc/redsocks.conf
_file=/etc/gpu-metal/socks.nft
_unit=/etc/systemd/system/gpu-metal-socks.service
_port=12345

check() {
    if ! _redsocks | same_file "$_conf"; then untrue "$_conf is not what the site's socks says"; fi
    if ! _rules | same_file "$_file"; then untrue "$_file is not what the site's socks says"; fi
    if ! _service | same_file "$_unit"; then untrue "$_unit is not ours"; fi
    for unit in redsocks "${_unit##*/}"; do
        if ! systemctl is-enabled -q "$unit"; then untrue "$unit is not enabled"; fi
        if ! systemctl is-active -q "$unit"; then untrue "$unit does not run"; fi
    done
    # A redsocks that was started before its settings changed still has the old ones.
    if [[ $(_started) -lt $(stat -c %Y "$_conf") ]]; then untrue "redsocks has not read its settings again"; fi
    if ! cmp -s <(nft_seen ip gpu_metal_socks) <(_rules | nft_wanted ip gpu_metal_socks); then
        untrue "the table ip gpu_metal_socks is not as it was loaded"
    fi
}

apply() {
    _rules | nft --check --file -
    keep "$_conf"
    keep "$_file"
    keep "$_unit"
    _redsocks | write_file "$_conf" 0640 "root:$(_group)"
    _rules | write_file "$_file" 0600
    _service | write_file "$_unit" 0644
    # --no-reload: else systemd reads all its units again, which can cost containers their GPUs.
    systemctl enable -q --no-reload redsocks "${_unit##*/}"
    systemctl restart redsocks
    nft --file "$_file"
    systemctl start "${_unit##*/}"
}

undo() {
    nft_off "${_unit##*/}" ip gpu_metal_socks
    restore "$_unit"
    restore "$_file"
    restore "$_conf"
    if [[ -e $_conf ]] && systemctl is-active -q redsocks; then systemctl restart redsocks; fi
}

# Listens on 0.0.0.0 only if other hosts' traffic is sent too: that is redirected to the incoming interface's address.
_redsocks() {
    local listen=127.0.0.1
    if [[ -n $(input interfaces '') ]]; then listen=0.0.0.0; fi
    cat <<CONF
// gpu-metal
base {
    log_debug = off;
    log_info = off;
    log = "syslog:daemon";
    daemon = on;
    user = redsocks;
    group = redsocks;
    redirector = iptables;
}
redsocks {
    local_ip = $listen;
    local_port = $_port;
    ip = $(input address);
    port = $(input port);
    type = socks5;
}
CONF
}

_group() { if getent group redsocks >/dev/null; then printf 'redsocks'; else printf 'root'; fi; }

_rules() {
    local direct interfaces
    direct="0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 224.0.0.0/3"
    direct="$direct $(input address) $(input direct '')"
    interfaces=$(input interfaces '')
    cat <<RULES
# gpu-metal
table ip gpu_metal_socks
delete table ip gpu_metal_socks
table ip gpu_metal_socks {
    set direct {
        type ipv4_addr
        flags interval
        auto-merge
        elements = { $(_listed "$direct") }
    }
    chain redirected {
        ip daddr @direct return
        meta l4proto tcp redirect to :$_port
    }
    chain output {
        type nat hook output priority -100; policy accept;
        jump redirected
    }
RULES
    if [[ -n $interfaces ]]; then _rules_of_interfaces "$interfaces"; fi
    printf '}\n'
}

# Drops connections to redsocks' port that were not redirected.
_rules_of_interfaces() {
    cat <<RULES
    chain prerouting {
        type nat hook prerouting priority -100; policy accept;
        iifname { $(_listed "$1" '"') } jump redirected
    }
    chain input {
        type filter hook input priority -10; policy accept;
        iifname != "lo" tcp dport $_port ct status & dnat == 0 drop
    }
RULES
}

# The words of $1, each between $2, with commas.
_listed() {
    local words
    read -ra words <<<"$1"
    printf "${2-}%s${2-}\n" "${words[@]}" | paste -sd , | sed 's/,/, /g'
}

_started() {
    date -d "$(systemctl show --property=ActiveEnterTimestamp --value redsocks)" +%s
}

_service() {
    cat <<UNIT
# gpu-metal
[Unit]
Description=What goes out by TCP goes to redsocks
Requires=redsocks.service
After=redsocks.service nftables.service firewalld.service
PartOf=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f $_file
ExecStop=-/usr/sbin/nft delete table ip gpu_metal_socks

[Install]
WantedBy=multi-user.target
UNIT
}
