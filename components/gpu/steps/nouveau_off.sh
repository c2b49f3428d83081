# The kernel's own driver nouveau cannot load, also in the initial ramdisk; if it is loaded, it goes at the next restart.
# rows: G2
# uses: gpu
#
# A ramdisk that holds nouveau must also hold our rule against it, or lack nouveau: only those that do neither are made
# anew. dracut keeps nouveau out by its own setting, as it need not copy the rule. To look into a ramdisk takes seconds:
# those that were right are remembered by size and time. Undo makes anew those that we made anew.

_rule=/etc/modprobe.d/gpu-metal-nouveau.conf
_omitted=/etc/dracut.conf.d/gpu-metal-nouveau.conf

check() {
    local file image fault
    for file in $(_files); do
        if ! _text "$file" | same_file "$file"; then untrue "$file does not keep nouveau from loading"; fi
    done
    for image in $(_unproven); do
        fault=$(_fault "$image")
        if [[ -n $fault ]]; then untrue "$image $fault"; fi
    done
    if module_loaded nouveau && ! is_reboot_due "$(_reason)"; then untrue "$(_reason)"; fi
}

apply() {
    local file image fault
    for file in $(_files); do
        keep "$file"
        _text "$file" | write_file "$file" 0644
    done
    for image in $(_unproven); do
        if [[ -z $(_fault "$image") ]]; then continue; fi
        # First the record, so that undo also finds one that an interrupted run made.
        { _rebuilt && printf '%s\n' "$image"; } | sort -u | write_file "$GPU_METAL_HOME/nouveau-rebuilt" 0600
        _rebuild "$image"
        fault=$(_fault "$image")
        if [[ -n $fault ]]; then
            untrue "$image $fault, also after it was made anew. Fix: see what puts it there:" \
                "grep -rn nouveau /etc/initramfs-tools /etc/dracut.conf.d /etc/modules-load.d /etc/modprobe.d"
        fi
    done
    _stamps | write_file "$GPU_METAL_HOME/nouveau-ramdisks" 0600
    if module_loaded nouveau; then reboot_due "$(_reason)"; fi
}

undo() {
    local image
    restore "$_rule"
    restore "$_omitted"
    for image in $(_rebuilt); do
        if [[ -e $image ]]; then _rebuild "$image"; fi
    done
    rm -f "$GPU_METAL_HOME/nouveau-ramdisks" "$GPU_METAL_HOME/nouveau-rebuilt"
}

_reason() { printf 'nouveau is loaded, wants it gone'; }

_files() {
    printf '%s\n' "$_rule"
    if [[ -n $(command -v dracut) ]]; then printf '%s\n' "$_omitted"; fi
}

_text() { # FILE
    printf '# gpu-metal\n'
    if [[ $1 == "$_omitted" ]]; then
        printf 'omit_drivers+=" nouveau "\n'
    else
        printf 'blacklist nouveau\noptions nouveau modeset=0\n'
    fi
}

# The ramdisks of the kernels that this host has; it may start without any.
_images() {
    local image
    for image in /boot/initrd.img-* /boot/initramfs-*.img; do
        if [[ -f $image && -d /usr/lib/modules/$(_kernel "$image") ]]; then printf '%s\n' "$image"; fi
    done
}

_kernel() { # IMAGE
    local kernel=${1##*/}
    kernel=${kernel#initrd.img-} kernel=${kernel#initramfs-}
    printf '%s\n' "${kernel%.img}"
}

_rebuilt() { cat "$GPU_METAL_HOME/nouveau-rebuilt" 2>/dev/null || true; }

_stamps() {
    local image
    for image in $(_images); do stat -c '%s %Y %n' "$image"; done
}

# The ramdisks that have changed since they were last seen without nouveau
_unproven() {
    _stamps | grep -vxF -f <(cat "$GPU_METAL_HOME/nouveau-ramdisks" 2>/dev/null || true) | cut -d' ' -f3- || true
}

# What is wrong with a ramdisk; nothing if nouveau is not in it, or our rule is too.
_fault() { # IMAGE
    local contents lister
    lister=$(command -v lsinitramfs || command -v lsinitrd || true)
    if [[ -z $lister ]]; then
        printf 'cannot be looked into for nouveau: install initramfs-tools or dracut, whichever made it'
    elif ! contents=$("$lister" "$1" 2>&1); then
        printf 'cannot be looked into for nouveau: %s' "${contents##*$'\n'}"
    elif [[ $contents == */nouveau.ko* && $contents != *"modprobe.d/${_rule##*/}"* ]]; then
        printf 'holds nouveau, and no rule that keeps it from loading'
    fi
}

_rebuild() { # IMAGE
    if [[ -n $(command -v update-initramfs) ]]; then
        update-initramfs -u -k "$(_kernel "$1")"
    else
        dracut --force "$1" "$(_kernel "$1")"
    fi
}
