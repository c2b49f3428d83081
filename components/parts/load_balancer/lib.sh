# What steps of the load balancer share.

# An IPv4 address as a number.
address_number() {
    local a b c d
    IFS=. read -r a b c d <<<"$1"
    printf '%d' $(((a << 24) + (b << 16) + (c << 8) + d))
}
