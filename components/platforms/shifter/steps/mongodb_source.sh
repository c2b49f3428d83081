# A package source of this host has the gateway's database.
# rows: F5
# inputs: package
#
# Not undone: apply only refreshes the index of the sources.

check() {
    local name
    name=$(input package)
    if ! pkg_installed "${name%%=*}" && ! pkg_fits "${name%%=*}"; then
        untrue "no package source of this host has ${name%%=*}, the image gateway's database. Fix: its vendor's source under" \
            "repositories; gateway.mongodb.package: another name; or gateway.mongodb.uriSecret: one that runs elsewhere"
    fi
}

apply() {
    pkg_update
}
