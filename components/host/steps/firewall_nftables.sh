# What comes in is what the layers in use need: one nftables table of our own, drop for the rest, now and after a reboot.
# rows: H17
# bulk: rules
#
# The table is replaced in one transaction, and other tables (Kubernetes', the pod network's, Docker's) are not touched:
# there is no flush. Connections that are open stay open. A unit of our own loads it, not /etc/nftables.conf.

_file=/etc/gpu-metal/firewall.nft
_unit=/etc/systemd/system/gpu-metal-firewall.service

check() {
    if ! bulk rules | same_file "$_file"; then untrue "$_file is not what the site's layers need"; fi
    if ! _service | same_file "$_unit"; then untrue "$_unit is not ours"; fi
    if ! systemctl is-enabled -q "${_unit##*/}"; then untrue "${_unit##*/} is not enabled"; fi
    if ! systemctl is-active -q "${_unit##*/}"; then untrue "${_unit##*/} is not active"; fi
    if ! cmp -s <(_seen) <(_wanted); then
        untrue "the firewall's table inet gpu_metal is not as it was loaded: $(diff <(_wanted) <(_seen) | _first_change)"
    fi
}

apply() {
    bulk rules | nft --check --file -
    keep "$_file"
    keep "$_unit"
    bulk rules | write_file "$_file" 0600
    _service | write_file "$_unit" 0644
    nft --file "$_file"
    if ! cmp -s <(_seen) <(_wanted); then
        nft delete table inet gpu_metal
        printf 'The table was loaded, and nft shows another one: it was taken away again.\n' >&2
        return 1
    fi
    # --no-reload: else systemd reads all its units again, which can cost containers their GPUs.
    systemctl enable -q --no-reload "${_unit##*/}"
    systemctl start "${_unit##*/}"
}

undo() {
    if [[ -e $_unit ]]; then
        systemctl disable -q --no-reload "${_unit##*/}"
        systemctl stop "${_unit##*/}"
    fi
    # A cut apply has loaded it, and not started the unit that would take it away.
    if nft list table inet gpu_metal >/dev/null 2>&1; then nft delete table inet gpu_metal; fi
    restore "$_unit"
    restore "$_file"
}

_seen() {
    nft --stateless list table inet gpu_metal 2>/dev/null || printf 'no table\n'
}

# As this nft shows it: loaded in a network of its own, which ends with the command.
_wanted() {
    # shellcheck disable=SC2016  # expanded there
    bulk rules | unshare --net bash -c 'nft --file - && nft --stateless list table inet gpu_metal'
}

_first_change() {
    sed -nE 's/^([<>])\s*(.*)/\1 \2/p' | head -n 2 | sed 's/^</lost/; s/^>/more/' | paste -sd ';'
}

_service() {
    cat <<UNIT
# gpu-metal
[Unit]
Description=Firewall of gpu-metal
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target
# It flushes all tables when it starts, stops or reloads.
After=nftables.service
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f $_file
ExecReload=/usr/sbin/nft -f $_file
ExecStop=-/usr/sbin/nft delete table inet gpu_metal

[Install]
WantedBy=sysinit.target
UNIT
}
