# systemd is the init system: services, the kubelet's among them, are its units.
# rows: H3 H16

check() {
    if [[ ! -d /run/systemd/system ]]; then
        untrue "has $(cat /proc/1/comm) as init, wants systemd." \
            "Fix: install an operating system that starts with systemd"
    fi
}
