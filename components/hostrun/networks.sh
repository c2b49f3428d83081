# shellcheck shell=bash
# The host's networks and ports, as its kernel reports them. Sourced by lib.sh.

# host_networks: `CIDR DEVICE` of each IPv4 network that the host routes, but for what Docker itself made
host_networks() {
    ip -4 route show table main | awk '
        function docker(device) { return device == "docker0" || (device ~ /^br-[0-9a-f]+$/ && length(device) == 15) }
        $1 == "default" { next }
        { for (i = 2; i < NF; i++) if ($i == "dev" && !docker($(i + 1))) print ($1 ~ /\// ? $1 : $1 "/32"), $(i + 1) }'
}

# networks_overlap CIDR CIDR: two networks overlap when they are equal in the shorter one's prefix
networks_overlap() {
    local prefix=${1#*/} first second
    if ((${2#*/} < prefix)); then prefix=${2#*/}; fi
    first=$(_address_number "${1%/*}") second=$(_address_number "${2%/*}")
    ((prefix == 0 || first >> (32 - prefix) == second >> (32 - prefix)))
}

_address_number() {
    local a b c d
    IFS=. read -r a b c d <<<"$1"
    printf '%s\n' $(((a << 24) + (b << 16) + (c << 8) + d))
}

# port_holder PORT: the program that listens on it, as far as it can be seen; prints nothing when the port is free
port_holder() {
    # From the kernel's own tables (RFC 793's LISTEN is 0A there): a minimal system has no ss.
    { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || true; } | awk -v end=":$(printf '%04X' "$1")" '
        $4 == "0A" && substr($2, length($2) - 4) == end { found = 1 }
        END { exit !found }' || return 0
    { ss -Hltnp "sport = :$1" 2>/dev/null || true; } |
        sed -nE '1s/.*users:\(\("([^"]*)",pid=([0-9]+).*/\1, process \2/p' | grep . || printf 'something\n'
}

# port_opens PORT SECONDS: waits until this host accepts connections there; status 124 when it does not within that time
port_opens() {
    # shellcheck disable=SC2016  # the inner bash expands it
    timeout "$2" bash -c 'until (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do sleep 0.2; done' _ "$1"
}
