# shellcheck shell=bash
# For steps that say `# uses: samba`: whose the settings of Samba are, its service, and the disk of a share.

samba_conf() { printf '/etc/samba/smb.conf'; }

# The first line of a smb.conf that we write
samba_mark() { printf '# gpu-metal'; }

# samba_others: what others serve by Samba on this host; nothing where the settings are ours or a package's own
samba_others() {
    local seen
    if [[ ! -f $(samba_conf) || $(head -n 1 "$(samba_conf)") == "$(samba_mark)"* ]]; then return; fi
    # Those that the packages of Debian and of Red Hat bring serve no folder of a site.
    seen=$(sed -nE 's/^[[:blank:]]*\[([^]]+)\].*/\1/p' "$(samba_conf)" |
        grep -vixE 'global|homes|printers|print\$' | paste -sd ' ') || true
    if [[ -n $seen ]]; then printf 'serves %s already by %s' "$seen" "$(samba_conf)" && return; fi
    seen=$(sed -nE 's/^[[:blank:]]*(realm|security[[:blank:]]*=[[:blank:]]*(ads|domain)|server role[[:blank:]]*=.*(domain|active).*)/\1/Ip' \
        "$(samba_conf)" | head -n 1)
    if [[ -n $seen ]]; then printf 'is in a domain by %s ("%s")' "$(samba_conf)" "$seen" && return; fi
    seen=$(find /var/lib/samba/usershares -type f -printf '%f ' 2>/dev/null || true)
    if [[ -n $seen ]]; then printf 'serves %sas shares of its users, in /var/lib/samba/usershares' "$seen"; fi
}

# samba_entries: `NAME:HASH…` of each user who has a password for the shares
samba_entries() { pdbedit -Lw -s "$(samba_conf)" 2>/dev/null || true; }

# samba_running: does the service answer our settings?
samba_running() { systemctl is-active -q "$(os_path samba_unit)"; }

# samba_off_disk PATH MOUNT: prints why the share's disk is not below it; MOUNT is empty where no disk is declared
samba_off_disk() {
    if [[ -n $2 ]] && ! mountpoint -q "$2"; then
        printf 'has nothing mounted at %s, the disk of the share %s. Fix: lsblk -f shows the disks, mount %s mounts it' \
            "$2" "$1" "$2"
    fi
}

# samba_on: the service is enabled, and runs; records what it was before
samba_on() {
    local unit record=$GPU_METAL_HOME/samba.was
    unit=$(os_path samba_unit)
    if [[ ! -e $record ]]; then
        printf '%s %s\n' "$(systemctl is-enabled "$unit" 2>/dev/null || true)" "$(systemctl is-active "$unit" || true)" |
            write_file "$record" 0600
    fi
    if ! systemctl is-enabled -q "$unit"; then systemctl enable -q --no-reload "$unit"; fi
    if ! systemctl is-active -q "$unit"; then systemctl start "$unit"; fi
}

# samba_back: as it was before samba_on
samba_back() {
    local unit record=$GPU_METAL_HOME/samba.was enabled active
    if [[ ! -e $record ]]; then return; fi
    unit=$(os_path samba_unit)
    read -r enabled active <"$record"
    if [[ $active != active ]]; then systemctl stop "$unit" 2>/dev/null || true; fi
    if [[ $enabled == disabled ]]; then systemctl disable -q --no-reload "$unit" 2>/dev/null || true; fi
    rm -f "$record"
}
