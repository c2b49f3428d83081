# The database's port is free, or the database's already; this host has the addresses that it is to listen on.
# rows: T1
# inputs: port listen

check() {
    local holder address
    holder=$(port_holder "$(input port)")
    if [[ -n $holder && -z $(compgen -G "/etc/postgresql/*/orchestra" || true) ]]; then
        untrue "has in use: port $(input port) ($holder); Orchestra's database wants it free." \
            "Fix: stop what is named, or write another database.port"
    fi
    for address in $(input listen ''); do
        if [[ -z $(ip -o address show to "$address" 2>/dev/null) ]]; then
            untrue "has no address $address, on which the database is to listen. Fix: database.listen: an address of this host"
        fi
    done
}
