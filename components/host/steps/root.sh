# Steps run as root, directly or through sudo.
# rows: H1 H16

check() {
    if ((EUID != 0)); then
        untrue "has the rights of user $(id -un), wants root." \
            "Fix: set ssh.sudo: true and give $(id -un) 'NOPASSWD: ALL' in /etc/sudoers.d"
    fi
}
