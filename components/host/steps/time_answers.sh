# One of the site's time servers answers this host, with a clock that is itself in sync.
# rows: H8 H16
# inputs: servers
#
# Before the first change: chrony would wait for a minute, and then be in vain. A name may be known only once the site's
# dns and its hosts' names are in place: dns_resolves asks the site's name servers for it, and here it is left open.

check() {
    local server said wrong=() unknown=()
    for server in $(input servers); do
        if ! timeout 3 getent ahosts "$server" >/dev/null; then
            unknown+=("$server")
            continue
        fi
        said=$(_asked "$server" || _asked "$server" || echo 'no answer')
        if [[ $said == in-sync ]]; then return 0; fi
        wrong+=("$said from $server")
    done
    if ((${#unknown[@]})); then
        remark "cannot ask ${unknown[*]} for the time yet: this host does not know the name before the site's dns is set"
        return
    fi
    untrue "has $(printf '%s\n' "${wrong[@]}" | paste -sd ';' | sed 's/;/; /g'), wants one time server that answers." \
        "Fix: correct timeServers in the site, or let UDP port 123 to them through"
}

# A client's question is a header of 48 bytes; the answer's first two bits say whether its clock is in sync (RFC 5905).
_asked() {
    local answer
    answer=$({
        printf '\x23'
        head -c 47 /dev/zero
    } | _exchange "$1" || true)
    if [[ -z $answer ]]; then return 1; fi
    if (((16#$answer >> 6) == 3)); then echo 'a clock that is not in sync'; else echo in-sync; fi
}

# stdin is one datagram; the answer's first byte in hex.
# shellcheck disable=SC2016  # expanded by the inner shell
_exchange() {
    timeout 2 bash -c 'exec 3<>"/dev/udp/$1/123" && dd bs=512 iflag=fullblock status=none >&3 &&
        dd bs=512 count=1 status=none <&3 | od -A n -t x1 -N 1 | tr -d " \n"' _ "$1" 2>/dev/null
}
