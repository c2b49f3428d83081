# The host's link carries packets as large as those of pods.
# rows: K4
# inputs: address mtu key
#
# Larger ones would be lost without a word, as pods forbid routers to cut them. The link is that of the host's own address.

check() {
    local link mtu
    link=$(ip -o -4 address show to "$(input address)/32" | awk '{ print $2; exit }')
    if [[ -z $link || ! -r /sys/class/net/$link/mtu ]]; then return; fi
    mtu=$(<"/sys/class/net/$link/mtu")
    if ((mtu < $(input mtu))); then
        untrue "$link carries packets of $mtu bytes, and those of pods have $(input mtu). Nothing was changed." \
            "Fix: $(input key): $mtu in the site, for all hosts; or a larger MTU of $link (ip link show $link)"
    elif ((mtu > $(input mtu))); then
        remark "$link carries packets of $mtu bytes, those of pods have $(input mtu)"
    fi
}
