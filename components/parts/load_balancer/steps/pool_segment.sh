# The load balancer's pool lies in a network that an interface of this host is in.
# rows: L1 H16
# inputs: pool segment
# uses: load_balancer

check() {
    local range first last seen=() address inside=
    while read -r address; do
        seen+=("$address")
        for range in $(input pool); do
            first=${range%-*} last=${range#*-}
            if ! _in "$first" "$address" || ! _in "$last" "$address"; then continue 2; fi
        done
        inside=yes
    done < <(ip -o -4 address show scope global | awk '{ print $4 }')
    if [[ -z $inside ]]; then
        untrue "no interface is in a network that has the pool $(input pool), which is to be in $(input segment):" \
            "there are ${seen[*]}. Fix: write addresses of the host's own network as network.loadBalancer.pool, or bgp"
    fi
}

# _in ADDRESS NETWORK: is the address in the network of an interface's ADDRESS/PREFIX?
_in() {
    local mask=$((0xffffffff << (32 - ${2#*/}) & 0xffffffff))
    ((($(address_number "$1") & mask) == ($(address_number "${2%/*}") & mask)))
}
