# The interfaces that the site names exist and are up, internal has the host's address, and the MTU is the declared one.
# rows: H2 H16 H18
# inputs: internal external data mtu address

check() {
    local use name wrong=()
    for use in internal external data; do
        name=$(input "$use" '')
        if [[ -n $name ]]; then mapfile -t -O "${#wrong[@]}" wrong < <(_lacks "$use" "$name"); fi
    done
    if ((${#wrong[@]})); then
        untrue "has $(printf '%s\n' "${wrong[@]}" | paste -sd ';' | sed 's/;/; /g')." \
            "Fix: see ip -br address; set it up, also for the next boot," \
            "or correct interfaces in the site"
    fi
}

_lacks() {
    local use=$1 name=$2 mtu
    mtu=$(input mtu '')
    if [[ ! -e /sys/class/net/$name ]]; then
        printf 'no interface %s (%s), but %s\n' "$name" "$use" "$(find /sys/class/net -mindepth 1 -printf '%f\n' | sort | paste -sd ' ')"
        return
    fi
    # A bridge or a tunnel that is up may say unknown.
    case $(<"/sys/class/net/$name/operstate") in
        up | unknown) ;;
        *) printf '%s (%s) down, wants it up\n' "$name" "$use" ;;
    esac
    if [[ $use == internal ]] && ! ip -o address show dev "$name" | grep -wF "$(input address)" >/dev/null; then
        printf '%s (internal) without %s, wants it there\n' "$name" "$(input address)"
    fi
    if [[ -n $mtu && $use != external && $(<"/sys/class/net/$name/mtu") != "$mtu" ]]; then
        printf 'MTU %s on %s (%s), wants %s\n' "$(<"/sys/class/net/$name/mtu")" "$name" "$use" "$mtu"
    fi
}
