# A packet of the declared MTU reaches the neighbours unfragmented, through all switches and tunnels on the way.
# rows: H16 H18
# inputs: mtu peers

check() {
    local peer mtu header lost=()
    if [[ -z $(command -v ping) ]]; then
        untrue "has no ping, wants it to measure the path." \
            "Fix: install iputils-ping (Debian, Ubuntu) or iputils, or take interfaces.mtu out of the site"
    fi
    mtu=$(input mtu)
    for peer in $(input peers); do
        header=28
        if [[ $peer == *:* ]]; then header=48; fi
        # A small one first: a peer that does not answer at all says nothing of the MTU.
        if ping -n -q -c 2 -i 0.2 -W 1 "$peer" >/dev/null 2>&1 &&
            ! ping -n -q -c 2 -i 0.2 -W 1 -M "do" -s $((mtu - header)) "$peer" >/dev/null 2>&1; then
            lost+=("$peer")
        fi
    done
    if ((${#lost[@]})); then
        untrue "has packets of $mtu bytes lost on the way to ${lost[*]}, wants them to pass." \
            "Fix: set MTU $mtu on both hosts and on every switch port between them, or a smaller interfaces.mtu"
    fi
}
