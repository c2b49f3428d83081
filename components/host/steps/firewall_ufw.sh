# ufw admits only what the layers in use need: it is on, with these user rules and no others.
# rows: H17
# bulk: rules4 rules6
#
# The rules are written into ufw's own files at once: a call of ufw for each would take minutes on a large site. ufw's
# before.rules also admit ICMP, the answers of DHCP, mDNS and UPnP. Forwarded traffic is accepted. ufw loads no rules for
# IPv6 where the kernel has it switched off (ipv6.disable=1); the file has them all the same.

_defaults=/etc/default/ufw

check() {
    local key
    if ! grep -qx 'ENABLED=yes' /etc/ufw/ufw.conf; then untrue "ufw is not on"; fi
    if ! _set_defaults | same_file "$_defaults"; then
        untrue "$_defaults has other policies than drop for incoming traffic and accept for the rest"
    fi
    if ! cmp -s <(_section /etc/ufw/user.rules) <(bulk rules4); then untrue "$(_odd user.rules rules4)"; fi
    if ! cmp -s <(_section /etc/ufw/user6.rules) <(bulk rules6); then untrue "$(_odd user6.rules rules6)"; fi
    for key in rules4 rules6; do
        if [[ $key == rules6 && ! -e /proc/sys/net/ipv6 ]]; then continue; fi
        if (($(_loaded "$key") != $(bulk "$key" | grep -c '^-A' || true))); then
            untrue "ufw's rules are not loaded as its files have them: ufw reload"
        fi
    done
}

apply() {
    local file
    for file in "$_defaults" /etc/ufw/{ufw.conf,user.rules,user6.rules}; do keep "$file"; done
    _set_defaults | write_file "$_defaults" 0644
    _with /etc/ufw/user.rules rules4 | write_file /etc/ufw/user.rules 0640
    _with /etc/ufw/user6.rules rules6 | write_file /etc/ufw/user6.rules 0640
    # enable reads the files, and refuses bad ones before it changes the running rules.
    if grep -qx 'ENABLED=yes' /etc/ufw/ufw.conf; then ufw reload; else ufw --force enable; fi
}

undo() {
    local file
    if ! kept /etc/ufw/ufw.conf; then return; fi
    ufw disable
    for file in "$_defaults" /etc/ufw/{ufw.conf,user.rules,user6.rules}; do restore "$file"; done
    if grep -qx 'ENABLED=yes' /etc/ufw/ufw.conf; then ufw --force enable; fi
}

_set_defaults() {
    sed -E 's/^(DEFAULT_INPUT_POLICY)=.*/\1="DROP"/; s/^(DEFAULT_(OUTPUT|FORWARD)_POLICY)=.*/\1="ACCEPT"/
        s/^IPV6=.*/IPV6=yes/' "$_defaults"
}

_of_rules='^(### tuple |-A ufw6?-user-(input|output|forward) )'

# The user rules of a file.
_section() {
    sed -nE "/^### RULES ###$/,\$ { /$_of_rules/p }" "$1"
}

# The file $1 with the rules $2, as ufw lays them out; a new one has no mark of their end yet.
_with() {
    sed '/^### RULES ###$/q' "$1"
    bulk "$2" | awk '/^###/ { print "" } { print }'
    printf '\n### END RULES ###\n'
    sed -E "1,/^### RULES ###$/d; /$_of_rules/d; /^### END RULES ###$/d; /^$/d" "$1"
}

_odd() {
    printf '/etc/ufw/%s is not what the site needs: %s' "$1" \
        "$(diff <(bulk "$2") <(_section "/etc/ufw/$1") | sed -nE 's/^[<>] ### tuple ### //p' | head -n 2 | paste -sd ';')"
}

# How many user rules the kernel has.
_loaded() {
    case $1 in
        rules4) iptables -S ufw-user-input ;;
        rules6) ip6tables -S ufw6-user-input ;;
    esac 2>/dev/null | grep -c '^-A' || true
}
