# A data disk exists and may be used: it is blank, has the wanted filesystem, or is mounted at the site's place already.
# rows: H2 H16
# inputs: device mount filesystem

check() {
    local device path source use seen
    device=$(input device)
    if [[ ! -b $device ]]; then
        untrue "has no disk $device, wants it for $(input mount)." \
            "Fix: correct disks[].device to one of: lsblk -o NAME,SIZE,MODEL,SERIAL"
    fi
    path=$(readlink -f "$device")
    source=$(findmnt -nro SOURCE --mountpoint "$(input mount)" | tail -n 1 || true)
    if [[ -n $source && $(readlink -f "$source") == "$path" ]]; then return; fi
    use=$(lsblk -nrpo NAME,TYPE,MOUNTPOINT "$path" | awk -v device="$path" \
        '$1 != device { print $2, $1; next } $3 != "" { print "a mount at", $3 }' | paste -sd ',')
    if [[ -n $use ]]; then _refuse "${use//,/, }"; fi
    seen=$(wipefs --noheadings --output TYPE "$path" | sort -u | paste -sd ' ')
    if [[ -n $seen && $seen != "$(input filesystem)" ]]; then _refuse "$seen"; fi
}

_refuse() {
    untrue "has $1 on $(input device), wants it blank, or with $(input filesystem) to mount at $(input mount)." \
        "Fix: write another device in disks; or, if nothing on it is wanted: wipefs -a $(input device)"
}
