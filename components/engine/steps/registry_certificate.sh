# The registry has a certificate for one of its names, with its key; one of its own is valid for at least 30 more days.
# rows: C3
# inputs: names port certificate_from
# bulk: certificate
# secrets: key
#
# Without a certificate from the site the host makes one for all its names, for 397 days, signed by an authority of its
# own (10 years). The first run in the certificate's last 30 days renews it; the authority stays the same.
# Of the site's own, people get to know that it ends: to refuse all other changes of this host would not renew it.
# Other hosts trust it once the site has the authority's file in engine.registryCertificates.

check() {
    local folder=/etc/gpu-metal-registry public ends
    if [[ ! -s $folder/tls.crt || ! -s $folder/tls.key ]]; then untrue "the registry has no certificate"; fi
    if _from_site && ! bulk certificate | same_file $folder/tls.crt; then
        untrue "$folder/tls.crt is not the site's certificate"
    fi
    public=$(openssl x509 -in $folder/tls.crt -noout -pubkey 2>&1)
    if [[ $public != "$(openssl pkey -in $folder/tls.key -pubout 2>&1)" ]]; then
        untrue "$folder/tls.key is not the key of the registry's certificate." \
            "Fix: compare registry.certificate with its keySecret"
    fi
    if ! openssl x509 -in $folder/tls.crt -noout -checkend $((30 * 86400)) >/dev/null; then
        ends="the registry's certificate ends on $(openssl x509 -in $folder/tls.crt -noout -enddate | cut -d= -f2)."
        if ! _from_site; then untrue "$ends Fix: run pulumi up"; fi
        remark "$ends Fix: put a new one into registry.certificate, then pulumi up"
    fi
    if [[ -z $(_name) ]]; then
        untrue "the registry's certificate is for $(_covers), wants one of $(input names)." \
            "Fix: have one made for the name that clients use, the host's name in the site or its address"
    fi
    if ! _address | same_file $folder/address; then untrue "$folder/address is not $(_address)"; fi
    if ! _trust | same_file $folder/client/ca.crt; then untrue "$folder/client/ca.crt is not the registry's own"; fi
    if [[ $(stat -c %a:%G $folder/tls.key) != 640:gpu-metal-registry ]]; then
        untrue "$folder/tls.key can be read by others than root and the registry"
    fi
}

apply() {
    local folder=/etc/gpu-metal-registry
    if ! getent passwd gpu-metal-registry >/dev/null; then
        useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
            gpu-metal-registry
    fi
    install -d -m 0755 $folder $folder/client
    if _from_site; then
        rm -f $folder/ca.crt $folder/ca.key
        secret key | write_file $folder/tls.key 0640 root:gpu-metal-registry
        bulk certificate | write_file $folder/tls.crt 0644
    elif ! _good; then
        _make
    fi
    chown root:gpu-metal-registry $folder/tls.key
    chmod 0640 $folder/tls.key
    _address | write_file $folder/address 0644
    _trust | write_file $folder/client/ca.crt 0644
}

undo() {
    rm -rf /etc/gpu-metal-registry
    if getent passwd gpu-metal-registry >/dev/null; then userdel gpu-metal-registry; fi
    if getent group gpu-metal-registry >/dev/null; then groupdel gpu-metal-registry; fi
}

_from_site() {
    [[ $(input certificate_from host) == site ]]
}

# Is the host's own certificate still good?
_good() {
    local folder=/etc/gpu-metal-registry name
    openssl verify -CAfile $folder/ca.crt $folder/tls.crt >/dev/null 2>&1 || return 1
    openssl x509 -in $folder/tls.crt -noout -checkend $((30 * 86400)) >/dev/null || return 1
    for name in $(input names); do _is_for "$name" || return 1; done
    [[ $(openssl x509 -in $folder/tls.crt -noout -pubkey) == "$(openssl pkey -in $folder/tls.key -pubout 2>&1)" ]]
}

_make() {
    local folder=/etc/gpu-metal-registry name names=()
    for name in $(input names); do
        if [[ $name == *:* || $name =~ ^[0-9.]+$ ]]; then names+=("IP:$name"); else names+=("DNS:$name"); fi
    done
    if [[ ! -s $folder/ca.key ]] || ! openssl x509 -in $folder/ca.crt -noout -checkend $((400 * 86400)) &>/dev/null; then
        openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -subj "/CN=gpu-metal registry of $(uname -n)" \
            -addext keyUsage=critical,keyCertSign,cRLSign -keyout $folder/ca.key -out $folder/ca.crt
    fi
    openssl req -newkey rsa:3072 -nodes -subj "/CN=${names[0]#*:}" -keyout $folder/tls.key -out $folder/tls.csr
    openssl x509 -req -in $folder/tls.csr -CA $folder/ca.crt -CAkey $folder/ca.key -CAcreateserial -days 397 \
        -out $folder/tls.crt -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$(IFS=, && echo "${names[*]}")")
    chmod 0644 $folder/ca.crt $folder/tls.crt
    rm -f $folder/tls.csr $folder/ca.srl
}

_is_for() {
    local kind=-checkhost
    if [[ $1 == *:* || $1 =~ ^[0-9.]+$ ]]; then kind=-checkip; fi
    openssl x509 -in /etc/gpu-metal-registry/tls.crt -noout $kind "$1" | grep 'does match' >/dev/null
}

# The first of the host's names that the certificate is for.
_name() {
    local name
    for name in $(input names); do
        if _is_for "$name"; then
            printf '%s' "$name"
            return
        fi
    done
}

_covers() {
    openssl x509 -in /etc/gpu-metal-registry/tls.crt -noout -ext subjectAltName 2>/dev/null |
        sed -n 's/^ *//; 2p'
}

_address() {
    printf '%s:%s\n' "$(_name)" "$(input port)"
}

# What this host's own client trusts: exactly this registry.
_trust() {
    if ! _from_site; then cat /etc/gpu-metal-registry/ca.crt; fi
    cat /etc/gpu-metal-registry/tls.crt
}
