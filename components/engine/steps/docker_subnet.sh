# Docker's bridge lies off every network that the host routes.
# rows: C1
# inputs: subnet

check() {
    local route device
    # What Docker itself made is no matter.
    while read -r route device; do
        if _overlap "$(input subnet)" "$route"; then
            untrue "has the network $route on $device, which overlaps Docker's $(input subnet)." \
                "Fix: engine.subnet: \"ADDRESS/PREFIX\" in the site, off every network here"
        fi
    done < <(ip -4 route show table main | awk '
        $1 == "default" || / dev (docker0|br-[0-9a-f]+)( |$)/ { next }
        { for (i = 2; i < NF; i++) if ($i == "dev") print ($1 ~ /\// ? $1 : $1 "/32"), $(i + 1) }')
}

# _overlap CIDR CIDR: two networks overlap when they are equal in the shorter one's prefix.
_overlap() {
    local prefix=${1#*/} first second
    if ((${2#*/} < prefix)); then prefix=${2#*/}; fi
    first=$(_number "${1%/*}") second=$(_number "${2%/*}")
    ((prefix == 0 || first >> (32 - prefix) == second >> (32 - prefix)))
}

_number() {
    local a b c d
    IFS=. read -r a b c d <<<"$1"
    printf '%s\n' $(((a << 24) + (b << 16) + (c << 8) + d))
}
