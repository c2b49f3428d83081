# No other machine answers for an address of the load balancer's pool.
# rows: L1 H16
# inputs: pool
# bulk: peers
# uses: load_balancer
#
# Only a remark: a host with two interfaces in the segment may answer with the hardware address of the other one.

check() {
    local address of known=" " taken=()
    for address in $(_pool) $(bulk peers); do
        # Any datagram makes the kernel ask for the hardware address; nobody has to listen.
        { printf '\n' >"/dev/udp/$address/9"; } 2>/dev/null || true
    done
    sleep 1.2
    for address in $(bulk peers); do known+="$(_hardware "$address") "; done
    for address in $(_pool); do
        of=$(_hardware "$address")
        if [[ -n $of && $known != *" $of "* ]]; then taken+=("$address ($of)"); fi
    done
    if ((${#taken[@]})); then
        remark "a machine that is no host of this site answers for ${taken[*]}: leave what it has out of" \
            "network.loadBalancer.pool, or services will be at its address"
    fi
}

_hardware() {
    ip -4 neighbour show to "$1" | sed -n 's/.* lladdr \([^ ]*\).*/\1/p' | head -n 1
}

# The first 64 addresses of each range.
_pool() {
    local range first last number
    for range in $(input pool); do
        first=$(address_number "${range%-*}") last=$(address_number "${range#*-}")
        if ((last > first + 63)); then last=$((first + 63)); fi
        for ((number = first; number <= last; number++)); do
            printf '%d.%d.%d.%d\n' $((number >> 24 & 255)) $((number >> 16 & 255)) $((number >> 8 & 255)) $((number & 255))
        done
    done
}
