# The kubelet serves a certificate that the cluster's authority signed, for this node's name and address.
# rows: K12
# inputs: node address
# limit: 600
#
# After the membership: kubeadm writes the kubelet's configuration as the host joins. A control plane approves what the kubelet
# asks for (kubelet_requests); a year later it asks again by itself.

_config=/var/lib/kubelet/config.yaml
_pem=/var/lib/kubelet/pki/kubelet-server-current.pem
_line='serverTLSBootstrap: true'

check() {
    local said
    if ! grep -qsxF "$_line" $_config; then untrue "the kubelet does not ask for a serving certificate: $_config has not $_line"; fi
    said=$(_wrong)
    if [[ -n $said ]]; then untrue "$said"; fi
}

apply() {
    local deadline
    if ! grep -qsxF "$_line" $_config; then
        _noted | write_file "$(_former)" 0600
        {
            grep -v '^serverTLSBootstrap:' $_config
            printf '%s\n' "$_line"
        } | write_file $_config "$(stat -c 0%a $_config)"
        systemctl restart kubelet
    fi
    deadline=$((SECONDS + 300))
    while [[ -n $(_wrong) ]]; do
        if ((SECONDS > deadline)); then
            untrue "$(_wrong) for 300 s. Fix: on a control plane, journalctl -t gpu-metal-kubelet-requests -n 20 says what was not" \
                "approved; here, journalctl -u kubelet -n 50"
        fi
        sleep 2
    done
}

undo() {
    local line
    if [[ ! -e $(_former) ]]; then return 0; fi
    line=$(<"$(_former)")
    rm -f "$(_former)"
    # Left with its host.
    if [[ ! -s $_config ]]; then return 0; fi
    {
        grep -v '^serverTLSBootstrap:' $_config
        if [[ -n $line ]]; then printf '%s\n' "$line"; fi
    } | write_file $_config "$(stat -c 0%a $_config)"
    rm -f /var/lib/kubelet/pki/kubelet-server-*.pem
    systemctl restart kubelet
}

_former() { printf '%s\n' "$GPU_METAL_HOME/kubelet-serving"; }

# What was there of it
_noted() { grep '^serverTLSBootstrap:' $_config || true; }

_wrong() {
    if [[ ! -s $_pem ]]; then
        echo 'the kubelet has no serving certificate of the cluster'
    elif ! openssl verify -CAfile /etc/kubernetes/pki/ca.crt $_pem >/dev/null 2>&1; then
        echo "the kubelet's serving certificate is not valid, or not of the cluster's authority"
    elif ! openssl x509 -in $_pem -noout -checkip "$(input address)" | grep -q ' does match '; then
        echo "the kubelet's serving certificate is not for $(input address)"
    elif [[ $(_served) != "$(openssl x509 -in $_pem -noout -serial)" ]]; then
        echo 'the kubelet serves another certificate than it was given'
    fi
}

_served() {
    local address
    address=$(input address)
    if [[ $address == *:* ]]; then address="[$address]"; fi
    { openssl s_client -connect "$address:10250" </dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null; } || true
}
