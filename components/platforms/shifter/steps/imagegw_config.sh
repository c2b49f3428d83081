# imagemanager.json has the site's settings of the gateway; only root and the gateway can read it.
# rows: F5
# inputs: file user database
# bulk: settings
# secrets: uri
# uses: shifter

check() {
    if [[ $(_shown <"$(input file)" 2>/dev/null) != "$(bulk settings | _shown)" ]]; then
        untrue "$(input file) is not what the site says of the image gateway"
    fi
    if [[ $(stat -Lc %a:%U:%G "$(input file)") != "640:root:$(_group)" ]]; then
        untrue "$(input file) can be read by others than root and $(input user)"
    fi
}

apply() {
    local shape='^mongodb(\+srv)?://[^[:space:]"\\]+$'
    if [[ $(input database) != here && ! $(secret uri) =~ $shape ]]; then
        untrue "the secret of gateway.mongodb.uriSecret is not a URI of a MongoDB." \
            "Fix: set it to mongodb://USER:PASSWORD@HOST:PORT/"
    fi
    imagegw_due
    keep "$(input file)"
    if [[ $(input database) == here ]]; then
        bulk settings | write_file "$(input file)" 0640 "root:$(_group)"
        return
    fi
    {
        secret uri
        bulk settings
    } | awk 'NR == 1 { uri = $0; next }
        /^    "MongoDBURI": / { print "    \"MongoDBURI\": \"" uri "\","; next } { print }' |
        write_file "$(input file)" 0640 "root:$(_group)"
}

undo() {
    restore "$(input file)"
}

_group() {
    id -gn "$(input user)"
}

# Masks the URI of a database elsewhere: check gets no secrets.
_shown() {
    if [[ $(input database) == here ]]; then cat; else sed -E 's/^(    "MongoDBURI": ).*/\1•/'; fi
}
