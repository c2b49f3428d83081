# nouveau is not loaded and will not be: the restart that removes it has happened, and modprobe keeps it away.
# rows: G2
# uses: gpu

check() {
    _kept_away
    if module_loaded nouveau; then
        untrue "nouveau is loaded, wants it gone before the NVIDIA driver comes." \
            "Fix: systemctl reboot (or kernel.reboot: when-needed in the site)"
    fi
}

# Another file may win over that of nouveau_off: the last option counts.
_kept_away() {
    local seen option ours=/etc/modprobe.d/gpu-metal-nouveau.conf
    # nouveau_off says it if its own file is not whole.
    if ! grep -qsx 'blacklist nouveau' "$ours" || ! grep -qsx 'options nouveau modeset=0' "$ours"; then return; fi
    seen=$(modprobe --showconfig)
    option=$(sed -nE 's/^options nouveau (.* )?(modeset=[^ ]*).*/\2/p' <<<"$seen" | tail -n 1)
    if ! grep -qx 'blacklist nouveau' <<<"$seen" || [[ $option != modeset=0 ]]; then
        untrue "modprobe does not keep nouveau away (${option:-no modeset}), although $ours does. Fix: modprobe --showconfig and" \
            "grep -r nouveau /etc/modprobe.d /run/modprobe.d /lib/modprobe.d show other lines; take them away"
    fi
}
