# systemd-resolved answers this host's programs, which kubernetes.serviceNames needs.
# rows: N3 H16
#
# The cluster's DNS must get questions about services only. That takes a resolver that chooses the server by the domain: a
# plain /etc/resolv.conf cannot. An older systemd would list the cluster's DNS among the host's servers, and CoreDNS,
# whose pods copy that list, would ask itself.

_without='or kubernetes.serviceNames: false'

check() {
    local first
    if ! systemctl is-active -q systemd-resolved; then
        untrue "has no systemd-resolved that runs, and only it asks the cluster's DNS for services alone. Fix: install" \
            "the package systemd-resolved, if there is one; systemctl enable --now systemd-resolved; ln -sf" \
            "../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf; $_without"
    fi
    first=$(awk '$1 == "nameserver" { print $2; exit }' /etc/resolv.conf 2>/dev/null) || true
    if [[ $first != 127.0.0.5[34] ]]; then
        untrue "has programs that ask ${first:-no name server}, not systemd-resolved (/etc/resolv.conf). Fix: ln -sf" \
            "../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf; $_without"
    fi
    if ! resolvectl --help 2>/dev/null | grep -q default-route; then
        untrue "has systemd $(systemctl --version | awk 'NR == 1 { print $2 }'), which cannot keep the cluster's DNS to one" \
            "domain. Fix: a system with systemd 240 or later; $_without"
    fi
}
