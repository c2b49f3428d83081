# The kubelet starts with the host, and runs once it has something to run with.
# rows: K1
#
# Before it is a member it has no configuration, and could only restart for ever.

check() {
    if ! systemctl is-enabled --quiet kubelet; then untrue "kubelet.service is not enabled"; fi
    if [[ -s /var/lib/kubelet/config.yaml ]] && ! systemctl is-active --quiet kubelet; then
        untrue "kubelet.service does not run"
    fi
}

apply() {
    systemctl enable kubelet
    if [[ -s /var/lib/kubelet/config.yaml ]]; then systemctl start kubelet; fi
}

undo() {
    systemctl disable --now kubelet || true
}
