# The network cards of the Network Operator's pools are NVIDIA's, and can do what the pools ask of them.
# rows: L3
# inputs: interfaces functions shared container_driver kernel

check() {
    local wrong=()
    mapfile -t wrong < <(_cards && _functions && _host)
    if ((${#wrong[@]})); then
        untrue "$(printf '%s\n' "${wrong[@]}" | paste -sd ';' | sed 's/;/; /g')"
    fi
}

_cards() {
    local name
    for name in $(input interfaces); do
        if [[ ! -e /sys/class/net/$name ]]; then
            printf 'has no interface %s, but %s. Fix: correct interfaces of network.networkOperator.pools; lspci -d 15b3: shows the cards\n' \
                "$name" "$(find /sys/class/net -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | paste -sd ' ')"
        elif [[ $(_of "$name" vendor) != 0x15b3 ]]; then
            printf 'has %s of the vendor %s, wants a card of 0x15b3 (NVIDIA, Mellanox). Fix: correct interfaces of network.networkOperator.pools\n' \
                "$name" "$(_of "$name" vendor)"
        fi
    done
}

_functions() {
    local each name wanted seen
    for each in $(input functions); do
        name=${each%=*} wanted=${each#*=}
        if [[ ! -e /sys/class/net/$name ]]; then continue; fi
        seen=$(_of "$name" sriov_totalvfs)
        if ((${seen:-0} < wanted)); then
            printf 'has %s with %s virtual functions at most, wants %s. Fix: mlxconfig -d DEVICE set SRIOV_EN=1 NUM_OF_VFS=%s, SR-IOV on in the BIOS, then start anew; or write fewer functions\n' \
                "$name" "${seen:-0}" "$wanted" "$wanted"
        fi
    done
}

# What is about the host as a whole.
_host() {
    local least
    least=$(input kernel)
    if [[ -n $least && $(printf '%s\n' "$least" "$(uname -r | sed 's/-.*//')" | sort -V | head -n 1) != "$least" ]]; then
        printf 'has kernel %s, wants %s or later for DMA-BUF. Fix: kernel.package, or gpuDirect: peermem\n' "$(uname -r)" "$least"
    fi
    if [[ $(input container_driver) == yes ]] && type -P ofed_info >/dev/null; then
        printf 'has DOCA-OFED installed (%s), and network.networkOperator.driver brings it in a container. Fix: take one of them away\n' \
            "$(ofed_info -s 2>/dev/null || type -P ofed_info)"
    fi
    if [[ $(input shared) == yes ]] && type -P rdma >/dev/null && rdma system show 2>/dev/null | grep -qw exclusive; then
        printf 'has its RDMA devices in exclusive mode (rdma system show), and pools of kind shared need the shared one. Fix: rdma system set netns shared, also for the next boot\n'
    fi
}

# A file of the card's folder in sysfs; nothing if it has none.
_of() { # INTERFACE FILE
    cat "/sys/class/net/$1/device/$2" 2>/dev/null || true
}
