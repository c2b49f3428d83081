# shellcheck shell=bash disable=SC2034  # why_failed answers by variables
# Why something could not be fetched, from what apt, dnf or curl printed. Sourced by lib.sh.

# Each three: a pattern for the line that gives the reason, what it means, and the fix. The first that fits is taken:
# a line that names a cause comes before the lines that only name its effect. A status stands alone: a "404" is also in
# `ubuntu2404` and in `[1404 B]`.
_reasons=(
    'Conflicting values set for option Signed-By'
    'is set up in two files with different keys'
    'take it out of one of them: grep -rn the address in /etc/apt/sources.list /etc/apt/sources.list.d'

    'No space left on device|enough free (disk )?space'
    "does not fit on this host's disk" 'make room: df -h /var /tmp'

    '(^|[^0-9[])407 |Proxy Authentication|response 407'
    'is behind a proxy that asks for a login' 'correct proxy in the site'

    'not valid yet|not yet valid|not yet activated|signed in the future|created .* in the future'
    "is not valid yet by this host's clock ({now})" 'set the clock right: timeServers in the site, then chronyc makestep'

    '[Rr]elease file .* is expired|Valid-Until|metadata is too old'
    "is out of date by this host's clock ({now})" 'see that the clock is right; then refresh the mirror, or use another'

    'certificate has expired|expired certificate|certificate .*expired'
    "shows a certificate that has expired by this host's clock ({now})" 'see that the clock is right, or renew it there'

    'ertificate verif|certificate problem|NOT trusted|unknown issuer|SSL peer certificate|self.signed|SSL: no alternative'
    'shows a certificate that this host does not trust'
    "add your authority to the host's certificates (update-ca-certificates, update-ca-trust), or correct the address"

    'SHA-?1.*(not considered secure|reject|weak|forbid|insecure)|weak (digest|signature|algorithm)|[Pp]olicy rejected'
    'is signed in a way that this system no longer accepts (SHA-1, or a short key)'
    "take the vendor's source for this release of the system, and its newer key"

    'EXPKEYSIG|KEYEXPIRED|expired key|key .*(is|has) expired|Key is expired'
    "is signed by a key that has expired by this host's clock ({now})"
    "run again where keyUrl is set, which fetches the key anew; else put the vendor's extended key into keyFile"

    'NO_PUBKEY|BADSIG|not signed|BAD signature|[Mm]issing key|signatures? .*(verified|invalid|not available)|GPG key'
    'is not signed by the key it came with' 'keyFile or keyUrl must be the key that signs it today'

    '(^|[^0-9[])40[13] +[A-Z]|Status code: 40[13]|error: 40[13]'
    'refuses this host' 'correct the address, or let the host in there'

    '(^|[^0-9[])404 +[A-Z]|Status code: 404|error: 404|^E: .*File not found|open file|No such file'
    'answers 404: it is not there' 'correct url (and suite) as the vendor or your mirror has them'

    '(^|[^0-9[])5[0-9][0-9] +[A-Z]|Status code: 5[0-9][0-9]|error: 5[0-9][0-9]'
    'has a fault of its own' 'try again later, or use a mirror'

    'not resolve|failure resolving|happened resolving|resolve host'
    'has a name that this host cannot resolve' 'correct the name, or dns.servers in the site; behind a proxy, set proxy'

    '[Tt]imed? ?out|Timeout was reached'
    'does not answer in time' 'let this host through to it (firewall, proxy)'

    'onnection (refused|failed|reset)|ould( not|n.t) connect|(Failed|Unable) to connect|No route to host|unreachable'
    'takes no connection from this host' 'let this host through to it (firewall, proxy), or correct the port'

    'Hash Sum mismatch|unexpected size|sync in progress|[Cc]hecksum'
    'changed while it was read, or a cache on the way keeps an old copy' 'try again; then empty that cache'
)

# why_failed FILE: sets why to what the output in FILE means with the line that says so, and remedy to the fix
why_failed() {
    local i line said
    # What apt is doing is not why it failed.
    said=$(grep -avE '^(Get|Hit|Ign):' "$1" || true)
    for ((i = 0; i < ${#_reasons[@]}; i += 3)); do
        if line=$(grep -aE -m 1 -- "${_reasons[i]}" <<<"$said"); then
            why=${_reasons[i + 1]//'{now}'/$(date -u +'%F %H:%M UTC')} remedy=${_reasons[i + 2]}
            why+=": \"$(_bare "$line")\""
            return
        fi
    done
    line=$(grep -aE -m 1 '^(E:|Error|curl:|gpg:| +- )' <<<"$said" || tail -n 1 <<<"$said")
    why="cannot be used: \"$(_bare "$line")\"" remedy='let this host reach it (name, proxy, certificate)'
}

# Without the mark in front, and short
_bare() { sed -E 's/^ *(E: |W: |Err: |Error: |curl: |- )//; s/[[:cntrl:]]//g; s/  +/ /g; s/^ //' <<<"${1:0:300}"; }
