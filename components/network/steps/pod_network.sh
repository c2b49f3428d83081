# A service keeps this node's pod network: CNI configuration, routes to the other nodes' pods, masquerade.
# rows: K4
# inputs: node pod_subnet mtu
# bulk: agent

check() {
    if ! bulk agent | same_file /usr/local/sbin/gpu-metal-pod-network; then
        untrue "/usr/local/sbin/gpu-metal-pod-network is not the site's"
    fi
    if ! _unit | same_file /etc/systemd/system/gpu-metal-pod-network.service; then
        untrue "/etc/systemd/system/gpu-metal-pod-network.service is not the site's"
    fi
    if ! systemctl is-enabled --quiet gpu-metal-pod-network; then untrue "gpu-metal-pod-network is not enabled"; fi
    if ! systemctl is-active --quiet gpu-metal-pod-network; then untrue "gpu-metal-pod-network does not run"; fi
}

apply() {
    bulk agent | write_file /usr/local/sbin/gpu-metal-pod-network 0755
    _unit | write_file /etc/systemd/system/gpu-metal-pod-network.service 0644
    systemctl daemon-reload
    systemctl enable gpu-metal-pod-network
    systemctl restart gpu-metal-pod-network
}

undo() {
    local subnet
    systemctl disable --now gpu-metal-pod-network || true
    rm -f /etc/systemd/system/gpu-metal-pod-network.service /usr/local/sbin/gpu-metal-pod-network
    systemctl daemon-reload
    rm -f /etc/cni/net.d/10-gpu-metal.conflist
    rm -rf /var/lib/cni/networks/gpu-metal
    ip link delete cni0 2>/dev/null || true
    while read -r subnet _; do ip route delete "$subnet" proto 77; done < <(ip -4 route show proto 77)
    if command -v iptables >/dev/null; then
        _forget_rule nat POSTROUTING -s "$(input pod_subnet)" ! -d "$(input pod_subnet)" -j MASQUERADE
        _forget_rule filter FORWARD -s "$(input pod_subnet)" -j ACCEPT
        _forget_rule filter FORWARD -d "$(input pod_subnet)" -j ACCEPT
    fi
}

_unit() {
    printf '%s\n' '[Unit]' 'Description=Pod network of this node (gpu-metal)' \
        'After=network-online.target' 'Wants=network-online.target' '' \
        '[Service]' 'RuntimeDirectory=gpu-metal-pod-network' 'Environment=KUBECACHEDIR=/run/gpu-metal-pod-network' \
        "ExecStart=/usr/local/sbin/gpu-metal-pod-network $(input node) $(input pod_subnet) $(input mtu)" \
        'Restart=always' 'RestartSec=5' '' \
        '[Install]' 'WantedBy=multi-user.target'
}

_forget_rule() {
    iptables -w -t "$1" -D "${@:2}" -m comment --comment gpu-metal 2>/dev/null || true
}
