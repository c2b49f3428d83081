# nouveau is not loaded: the restart that removes it has happened.
# rows: G2
# uses: gpu

check() {
    if module_loaded nouveau; then
        untrue "nouveau is loaded, wants it gone before the NVIDIA driver comes." \
            "Fix: systemctl reboot (or kernel.reboot: when-needed in the site)"
    fi
}
