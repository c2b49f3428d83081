# A data disk has its filesystem and is mounted, now and at each start.
# rows: H2
# inputs: device mount filesystem options owner
# uses: host
#
# A filesystem is made only on a blank device: without signature or partitions, not in use, and with zeros where data
# would begin and end. A device that has the wanted filesystem is mounted with its data; anything else is refused. undo
# unmounts the disk and removes its line from /etc/fstab; the data stays.
#
# The mount is a line of /etc/fstab, by UUID, not a mount unit: systemd reads a new unit only at a daemon-reload, which
# can cost containers their GPUs; `mount` reads the file itself. The option x-gpu-metal marks our line, nofail lets the
# host start without the disk, so that it can report what is missing.

check() {
    local mount seen source type
    mount=$(input mount)
    _check_device
    read -r source type < <(findmnt -nro SOURCE,FSTYPE --mountpoint "$mount" | tail -n 1 || true) || true
    if [[ -z ${source-} ]]; then untrue "has nothing mounted at $mount, wants $(input device)"; fi
    if ! _is_ours "$source"; then untrue "has $source mounted at $mount, wants $(input device)"; fi
    if [[ $type != "$(input filesystem)" ]]; then untrue "has $type at $mount, wants $(input filesystem)"; fi
    seen=$(_lines)
    if [[ $seen != "$(_line)" ]]; then
        untrue "has in /etc/fstab for $mount: ${seen:-nothing}; wants: $(_line)"
    fi
    if [[ -n $(input owner '') && $(_owner) != "$(input owner)"?(:*) ]]; then
        untrue "has $mount of $(_owner), wants $(input owner)"
    fi
}

apply() {
    local mount source new=no
    mount=$(input mount)
    _check_device
    if [[ -n $(_foreign_lines) ]]; then
        untrue "has in /etc/fstab a line of its own for $mount: $(_foreign_lines)." \
            "Fix: remove that line (the site writes one), or remove the disk from the site"
    fi
    source=$(findmnt -nro SOURCE --mountpoint "$mount" | tail -n 1 || true)
    if [[ -n $source ]] && ! _is_ours "$source"; then
        if [[ $source != "$(previous device)" && $(_uuid "$source") != "$(_recorded_uuid)" ]]; then
            untrue "has $source mounted at $mount, wants $(input device). Fix: umount $mount"
        fi
        _unmount "$mount"
        source='' new=yes
    fi
    if [[ -z $source ]]; then
        _refuse_hiding "$mount"
        _make_filesystem
    fi
    {
        _other_lines
        _line
    } | write_file /etc/fstab 0644
    if [[ $new == yes ]] && ! gpu_containers losing >/dev/null; then systemctl daemon-reload; fi
    if [[ -n $source ]]; then
        mount -o remount "$mount"
    else
        if [[ ! -e $mount ]]; then
            keep "$mount"
            (umask 022 && mkdir -p "$mount")
        fi
        mount "$mount"
    fi
    if [[ -n $(input owner '') ]]; then chown "$(input owner)" "$mount"; fi
}

undo() {
    local mount
    mount=$(input mount)
    if [[ -n $(_our_lines) ]]; then
        if mountpoint -q "$mount"; then _unmount "$mount"; fi
        _other_lines | write_file /etc/fstab 0644
    fi
    if ! mountpoint -q "$mount"; then restore "$mount"; fi
}

_check_device() {
    local device
    device=$(input device)
    if [[ ! -e $device ]]; then
        untrue "has no device $device, wants it. Fix: correct disks[].device to one of: lsblk -o NAME,SIZE,MODEL,SERIAL"
    fi
    if [[ ! -b $device ]]; then untrue "has $device, which is not a block device. Fix: correct disks[].device"; fi
}

_is_ours() {
    [[ $(readlink -f "$1") == "$(readlink -f "$(input device)")" ]]
}

_owner() {
    stat -c %U:%G "$(input mount)"
}

# --- /etc/fstab ---

_uuid() {
    blkid -p -o value -s UUID "$1" 2>/dev/null || true
}

_line() {
    printf 'UUID=%s %s %s %s,nofail,x-gpu-metal 0 2\n' "$(_uuid "$(input device)")" "$(input mount)" \
        "$(input filesystem)" "$(input options)"
}

# The lines for our mount point
_lines() {
    if [[ -e /etc/fstab ]]; then awk -v mount="$(input mount)" '$1 !~ /^#/ && $2 == mount' /etc/fstab; fi
}

_our_lines() {
    _lines | grep -E '[, ]x-gpu-metal( |,|$)' || true
}

_foreign_lines() {
    _lines | grep -vE '[, ]x-gpu-metal( |,|$)' || true
}

_other_lines() {
    if [[ -e /etc/fstab ]]; then
        awk -v mount="$(input mount)" '!($2 == mount && $4 ~ /(^|,)x-gpu-metal(,|$)/)' /etc/fstab
    fi
}

_recorded_uuid() {
    _our_lines | sed -n 's/^UUID=\([^ ]*\).*/\1/p'
}

# --- a blank device ---

_make_filesystem() {
    local device type
    device=$(readlink -f "$(input device)")
    type=$(blkid -p -o value -s TYPE "$device" 2>/dev/null || true)
    _refuse_used "$device"
    if [[ $type == "$(input filesystem)" ]]; then return; fi
    _refuse_data "$device"
    "mkfs.$(input filesystem)" -q "$device"
}

# In use as a whole or in part: mounted, swap, below LVM, RAID or a mapping, or with partitions.
_refuse_used() {
    local use
    use=$(lsblk -nrpo NAME,TYPE,MOUNTPOINT "$1" | awk -v device="$1" \
        '$1 != device { print $2, $1; next } $3 != "" { print "a mount at", $3 }' | paste -sd ',')
    if [[ -n $use ]]; then _refuse "$1" "holds ${use//,/, }"; fi
    if awk -v device="$1" '$1 == device { found = 1 } END { exit !found }' /proc/swaps; then
        _refuse "$1" "is swap in use"
    fi
}

# A signature of anything, or bytes that are not zero where data begins and ends.
_refuse_data() {
    local seen size
    seen=$(wipefs --noheadings --output TYPE,LABEL "$1" | tr -s ' ' | sed 's/ *$//' | paste -sd ',')
    if [[ -n $seen ]]; then _refuse "$1" "holds ${seen//,/, }"; fi
    size=$(blockdev --getsize64 "$1")
    if ! _is_zero "$1" 0 4194304 || ! _is_zero "$1" $((size > 1048576 ? size - 1048576 : 0)) 1048576; then
        _refuse "$1" "holds data without a signature"
    fi
}

_is_zero() { # DEVICE FROM BYTES
    [[ $(dd if="$1" bs=1M iflag=skip_bytes,count_bytes skip="$2" count="$3" status=none | tr -d '\0' | wc -c) == 0 ]]
}

_refuse() { # DEVICE WHAT
    untrue "$(input device) $2; wants a blank device, or one with $(input filesystem) to mount. Nothing was written to" \
        "it. Fix: write another device in disks; or, if nothing on it is wanted:" \
        "wipefs -a $1 && dd if=/dev/zero of=$1 bs=1M count=4 conv=fsync && partprobe $1"
}

# --- mount and unmount ---

_refuse_hiding() {
    local count
    if [[ -d $1 ]]; then
        count=$(find "$1" -mindepth 1 -maxdepth 1 | wc -l)
        if ((count)); then
            untrue "has $count entries in $1, which the mount would hide. Fix: move them away, or choose another mount"
        fi
    fi
}

_unmount() {
    local users
    if umount "$1" 2>/dev/null; then return; fi
    users=$(_users "$1")
    untrue "$1 is in use by ${users:-something that /proc does not name}. It was not unmounted." \
        "Fix: end them, then run again"
}

# `name (process N)` of each process that has a file, folder or program below $1, and the mounts below it
_users() {
    local pid
    {
        # find ends with 1 for each process that ends meanwhile.
        { find /proc/[0-9]*/{cwd,root,exe,fd} -maxdepth 1 -type l \( -lname "$1" -o -lname "$1/*" \) 2>/dev/null || true; } |
            cut -d/ -f3 | sort -nu | while read -r pid; do
            printf '%s (process %s)\n' "$(cat "/proc/$pid/comm" 2>/dev/null)" "$pid"
        done
        findmnt -nro TARGET | awk -v at="$1/" 'index($1, at) == 1 { print "a mount at " $1 }'
    } | sed -n 1,8p | paste -sd ',' | sed 's/,/, /g'
}
