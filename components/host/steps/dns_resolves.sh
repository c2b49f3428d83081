# Names that the host will need resolve: on each of the site's name servers, or by the host's settings if it has none.
# rows: H15 H16
# inputs: servers names

check() {
    local server name said wrong=()
    for name in $(input names); do
        if [[ -z $(input servers '') ]] && ! timeout 10 getent ahosts "$name" >/dev/null; then
            wrong+=("$name unknown to the host's own name servers")
        fi
    done
    for server in $(input servers ''); do
        for name in $(input names); do
            said=$(_asked "$server" "$name" || _asked "$server" "$name" || printf 'no answer')
            if [[ $said == "no answer" ]]; then
                wrong+=("no answer from name server $server")
                break
            elif [[ $said != 0 ]]; then
                wrong+=("$name refused by name server $server (code $said)")
            fi
        done
    done
    if ((${#wrong[@]})); then
        untrue "has $(printf '%s\n' "${wrong[@]}" | paste -sd ';' | sed 's/;/; /g'). Wants them found." \
            "Fix: write name servers that answer in dns.servers, and let UDP port 53 to them through"
    fi
}

# The server's answer code to a question for the name (RFC 1035); bash and dd are on every host.
_asked() {
    local answer
    answer=$(_question "$2" | _exchange "$1" || true)
    if [[ -z $answer ]]; then return 1; fi
    printf '%d' "$((16#$(cut -d' ' -f4 <<<"$answer") & 15))"
}

_question() {
    local label
    printf '\x67\x6d\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00'
    for label in ${1//./ }; do
        # shellcheck disable=SC2059  # the length is a byte
        printf "\\x$(printf '%02x' "${#label}")"
        printf '%s' "$label"
    done
    printf '\x00\x00\x01\x00\x01'
}

# stdin is one datagram; the answer's bytes in hex.
# shellcheck disable=SC2016  # expanded by the inner shell
_exchange() {
    timeout 2 bash -c 'exec 3<>"/dev/udp/$1/53" && dd bs=512 iflag=fullblock status=none >&3 &&
        dd bs=512 count=1 status=none <&3 | od -A n -t x1 -v | tr -s "\n " " " | sed "s/^ //"' _ "$1" 2>/dev/null
}
