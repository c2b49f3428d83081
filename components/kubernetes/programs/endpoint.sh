#!/bin/bash
# gpu-metal-endpoint away SECONDS  the haproxies give this control plane's API server no new connection, for so many seconds
#                                  at most, and what it was answering has ended; nothing where no other one is ready
#                    back          they do again
#                    is-away       status 0 if they do not
#                    another       status 0 if another API server is ready, or there is no other control plane
#                    leave         before keepalived ends: away, and what came in by the address has ended, too
#                    left          after it
#
# The step virtual_address puts it here. Connections cannot move with the address: those that are there when it moves are
# cut. So before it moves, new ones are not taken up for a moment, which clients answer by asking again after a second;
# and those that are there end.
set -euo pipefail
shopt -s inherit_errexit

_folder=/etc/gpu-metal/endpoint
_away=/var/lib/haproxy/gpu-metal-away
# Each haproxy asks once a second, and may have to wait for its turn on a busy host.
_noticed=5
# Long enough for an ordinary request, and shorter than the second time that a client asks again, after 3 s.
_ended=2.5
_longest=600

away() {
    if ! another_is_ready; then
        printf 'no other API server is ready: this one goes on taking connections\n'
        return 0
    fi
    announce "$1"
}

announce() { # SECONDS
    printf '%s\n' "$(($(date +%s) + $1))" >"$_away.new"
    chmod 0644 "$_away.new"
    mv "$_away.new" "$_away"
    sleep $_noticed
}

back() {
    if [[ ! -e $_away ]]; then return; fi
    rm -f "$_away"
    sleep 2
}

is_away() { (($(cat "$_away" 2>/dev/null || echo 0) > $(date +%s))); }

leave() {
    if ! another_is_ready; then return; fi
    announce $_longest
    if [[ -z $(ip -o -4 address show to "$(setting address)") ]]; then return; fi
    nft -f - <<END
table inet gpu_metal_endpoint {
    chain input {
        type filter hook input priority raw
        ip daddr $(setting address) tcp dport $(setting port) tcp flags & (syn | ack) == syn drop
    }
}
END
    sleep $_ended
}

left() { nft delete table inet gpu_metal_endpoint 2>/dev/null || true; }

# setting NAME: of the file that the step writes
setting() { sed -n "s/^$1=//p" $_folder/settings; }

# Does another control plane's API server take connections?
another_is_ready() {
    local place host said
    while read -r place; do
        host=${place%:*}
        if [[ $host == "$(setting node)" ]]; then continue; fi
        if ! curl -sfk --noproxy '*' --max-time 3 -o /dev/null "https://$place/readyz"; then continue; fi
        said=$(state_of "$host") || true
        if [[ $said != drain ]]; then return 0; fi
    done < <(servers)
    return 1
}

another() { (($(servers | wc -l) < 2)) || another_is_ready; }

servers() { awk '$1 == "server" { print $3 }' $_folder/haproxy.cfg; }

# state_of ADDRESS: what its haproxy tells the others
state_of() {
    # shellcheck disable=SC2016 # the inner bash expands it
    timeout 3 bash -c 'exec 3<>"/dev/tcp/$1/$2"; head -n 1 <&3' _ "$1" "$(setting state_port)" 2>/dev/null
}

case ${1-} in
    away) away "$2" ;;
    back) back ;;
    is-away) is_away ;;
    another) another ;;
    leave) leave ;;
    left) left ;;
    *)
        printf 'Usage: %s away SECONDS | back | is-away | another | leave | left\n' "$0" >&2
        exit 1
        ;;
esac
