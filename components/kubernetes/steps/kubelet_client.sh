# The certificate by which the kubelet signs in has not ended, and the kubelet can put the next one in its place.
# rows: K12
# inputs: node role
#
# A kubelet that runs asks for another one long before. One whose host was off for that long does not even start: then a
# worker's asks for one by a bootstrap token, as when it joined. The token comes with a ticket. On a control plane, nothing
# runs without its kubelet: there the cluster's authority, whose key is there, signs one. The node, its labels and its pods
# stay.
# Not undone: the certificate goes with the membership (cluster_member).

_pki=/etc/kubernetes/pki
_folder=/var/lib/kubelet/pki
_pem=$_folder/kubelet-client-current.pem
_bootstrap=/etc/kubernetes/bootstrap-kubelet.conf

check() {
    if _has_ended; then
        untrue "the kubelet's certificate ended on $(openssl x509 -in $_pem -noout -enddate | cut -d = -f 2), and the kubelet does" \
            'not start without one. Fix: sitectl drift --record, then pulumi up: it gets another one'
    fi
    if _is_file; then
        untrue "$_pem is a file, and the kubelet renews its certificate only where this is a link." \
            'Fix: sitectl drift --record, then pulumi up makes it one'
    fi
}

apply() {
    local deadline
    if _is_file; then _link; fi
    if ! _has_ended; then return; fi
    if [[ $(input role) == control-plane ]]; then _sign; else _ask; fi
    systemctl restart kubelet
    deadline=$((SECONDS + 120))
    while _has_ended; do
        if ((SECONDS > deadline)); then
            rm -f $_bootstrap
            _fail "the cluster signed no certificate for the kubelet within 120 s. Fix: journalctl -u kubelet -n 50 here;" \
                "kubectl get csr on a control plane"
        fi
        sleep 1
    done
    rm -f $_bootstrap
}

_has_ended() { _signs_in && ! openssl x509 -in $_pem -noout -checkend 0 >/dev/null; }

# As somebody leaves it who copies a certificate there. (client-go, util/certificate/certificate_store.go: updateSymlink)
_is_file() { _signs_in && [[ ! -L $_pem ]]; }

# Not with it if the host was taken out of the cluster: it joins anew.
_signs_in() { [[ -s /etc/kubernetes/kubelet.conf && -s $_pem ]] && ! grep -qsx 'OUT yes' /run/gpu-metal/ticket; }

_link() {
    local made
    made=$(_dated)
    ln -f $_pem "$made"
    ln -sfT "$made" $_pem
}

# Named as the kubelet names them
_dated() { printf '%s/kubelet-client-%s.pem' $_folder "$(date -u +%Y-%m-%d-%H-%M-%S)"; }

_fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# As the controller manager would, for a year; the kubelet asks that for the next one.
_sign() {
    local made
    if [[ ! -s $_pki/ca.key ]]; then
        _fail "the kubelet's certificate has ended, and $_pki/ca.key, which signs others, is not here. Nothing was changed." \
            "Fix: have your authority sign one for O=system:nodes, CN=system:node:$(input node), and put it into $_pem with its key"
    fi
    made=$(_dated)
    openssl ecparam -name prime256v1 -genkey -noout | write_file "$made.key" 0600
    openssl req -new -key "$made.key" -subj "/O=system:nodes/CN=system:node:$(input node)" |
        openssl x509 -req -CA $_pki/ca.crt -CAkey $_pki/ca.key -set_serial "0x$(openssl rand -hex 8)" -days 365 \
            -extfile <(printf '%s\n' keyUsage=critical,digitalSignature extendedKeyUsage=clientAuth) 2>/dev/null |
        cat - "$made.key" | write_file "$made" 0600
    rm -f "$made.key"
    ln -sfT "$made" $_pem
}

_ask() {
    local token
    token=$(sed -n 's/^TOKEN //p' /run/gpu-metal/ticket 2>/dev/null) || true
    rm -f /run/gpu-metal/ticket
    if [[ -z $token ]]; then _fail 'no ticket to sign in with was brought. Fix: sitectl drift --record, then pulumi up brings one'; fi
    _signs_in_by "$token" | write_file $_bootstrap 0600
}

# _signs_in_by TOKEN: the kubelet's own kubeconfig, with a token in place of its certificate
_signs_in_by() {
    local line
    while IFS= read -r line; do
        case $line in
            *client-key:*) ;;
            *client-certificate:*) printf '%s\n' "${line%%client-certificate:*}token: $1" ;;
            *) printf '%s\n' "$line" ;;
        esac
    done </etc/kubernetes/kubelet.conf
}
