# The kernel's own driver nouveau cannot load, also in the initial ramdisk; if it is loaded, it goes at the next restart.
# rows: G2
# uses: gpu
#
# A mark notes that the ramdisk must be rebuilt, so that a run that was interrupted before the rebuild can be completed.

check() {
    if ! _wanted | same_file /etc/modprobe.d/gpu-metal-nouveau.conf; then
        untrue "/etc/modprobe.d/gpu-metal-nouveau.conf does not keep nouveau from loading"
    fi
    if [[ -e $GPU_METAL_HOME/nouveau-ramdisk-due ]]; then untrue "the initial ramdisk was not rebuilt without nouveau"; fi
    if module_loaded nouveau && ! is_reboot_due "$(_reason)"; then untrue "$(_reason)"; fi
}

apply() {
    local file=/etc/modprobe.d/gpu-metal-nouveau.conf
    keep "$file"
    if ! _wanted | same_file "$file"; then write_file "$GPU_METAL_HOME/nouveau-ramdisk-due" 0600 <<<due; fi
    _wanted | write_file "$file" 0644
    _rebuild
    if module_loaded nouveau; then reboot_due "$(_reason)"; fi
}

undo() {
    write_file "$GPU_METAL_HOME/nouveau-ramdisk-due" 0600 <<<due
    restore /etc/modprobe.d/gpu-metal-nouveau.conf
    _rebuild
}

_wanted() {
    printf '# gpu-metal\nblacklist nouveau\noptions nouveau modeset=0\n'
}

_reason() {
    printf 'nouveau is loaded, wants it gone'
}

# A host without either tool starts without a ramdisk that could hold nouveau.
_rebuild() {
    if [[ ! -e $GPU_METAL_HOME/nouveau-ramdisk-due ]]; then return; fi
    if [[ -n $(command -v update-initramfs) ]]; then
        update-initramfs -u -k all
    elif [[ -n $(command -v dracut) ]]; then
        dracut --force --regenerate-all
    fi
    rm -f "$GPU_METAL_HOME/nouveau-ramdisk-due"
}
