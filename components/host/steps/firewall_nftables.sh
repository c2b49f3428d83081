# nftables admits only what the layers in use need: a table of our own drops the rest, now and after a reboot.
# rows: H17
# inputs: table
# bulk: rules
# uses: host
#
# `table` is gpu_metal, for the host itself, or gpu_metal_published, for ports that containers publish.
# The table is replaced in one transaction, without a flush, so that other tables (Kubernetes', the pod network's,
# Docker's) are not touched and open connections stay open. A unit of our own loads it, not /etc/nftables.conf.

_table=$(input table)
case $_table in
    gpu_metal) _name=firewall ;;
    *) _name=${_table#gpu_metal_} ;;
esac
_file=/etc/gpu-metal/$_name.nft
_unit=/etc/systemd/system/gpu-metal-$_name.service

check() {
    if ! bulk rules | same_file "$_file"; then untrue "$_file is not what the site's layers need"; fi
    if ! _service | same_file "$_unit"; then untrue "$_unit is not ours"; fi
    if ! systemctl is-enabled -q "${_unit##*/}"; then untrue "${_unit##*/} is not enabled"; fi
    if ! systemctl is-active -q "${_unit##*/}"; then untrue "${_unit##*/} is not active"; fi
    if ! cmp -s <(nft_seen inet "$_table") <(_wanted); then
        untrue "the firewall's table inet $_table is not as it was loaded:" \
            "$(diff <(_wanted) <(nft_seen inet "$_table") | _first_change)"
    fi
    if [[ $_table == gpu_metal_published ]]; then _name_bridges; fi
}

# A rule cannot tell Docker's bridges, br- and twelve digits, from others that begin with br-.
_name_bridges() {
    local names
    names=$(ip -o link show type bridge | sed -nE 's/^[0-9]+: (br-[^:@]+).*/\1/p' | grep -vxE 'br-[0-9a-f]{12}' | paste -sd ' ') || true
    if [[ -n $names ]]; then
        remark "what comes in by $names passes for traffic of this host's containers, for which all ports that they publish" \
            "are open. Fix: give that bridge a name that does not begin with br-"
    fi
}

apply() {
    bulk rules | nft --check --file -
    keep "$_file"
    keep "$_unit"
    bulk rules | write_file "$_file" 0600
    _service | write_file "$_unit" 0644
    nft --file "$_file"
    if ! cmp -s <(nft_seen inet "$_table") <(_wanted); then
        nft delete table inet "$_table"
        printf 'nft shows another table than the one that was loaded; it was removed again.\n' >&2
        return 1
    fi
    # --no-reload: else systemd reads all its units again, which can cost containers their GPUs.
    systemctl enable -q --no-reload "${_unit##*/}"
    systemctl start "${_unit##*/}"
}

undo() {
    nft_off "${_unit##*/}" inet "$_table"
    restore "$_unit"
    restore "$_file"
}

_wanted() { bulk rules | nft_wanted inet "$_table"; }

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
ExecStop=-/usr/sbin/nft delete table inet "$_table"

[Install]
WantedBy=sysinit.target
UNIT
}
