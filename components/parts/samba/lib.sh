# shellcheck shell=bash
# For steps that say `# uses: samba`: whose the settings of Samba are.

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
