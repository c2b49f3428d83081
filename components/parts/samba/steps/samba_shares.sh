# Samba runs and serves the site's shares, as all of its smb.conf says.
# rows: N3
# inputs: none
# bulk: conf
# uses: samba
#
# undo gives back the smb.conf that was there, and the service as it was.

check() {
    local unit line
    unit=$(os_path samba_unit)
    if ! bulk conf | same_file "$(samba_conf)"; then
        # The first line that is not the site's, else the first that is missing
        line=$({ diff <(bulk conf) "$(samba_conf)" 2>/dev/null || true; } | sed -n '/^> */ { s///p; q; }')
        if [[ -n $line ]]; then untrue "has \"$line\" in $(samba_conf), which the site has not"; fi
        untrue "has another $(samba_conf) than the site's"
    fi
    _check_selinux
    if ! systemctl is-enabled -q "$unit"; then untrue "$unit is not enabled"; fi
    if ! samba_running; then untrue "$unit does not run. Fix: journalctl -u $unit -n 20 says why"; fi
}

apply() {
    local unit others says fresh
    unit=$(os_path samba_unit)
    others=$(samba_others)
    if [[ -n $others ]]; then untrue "$others. Fix: name another host as samba.host, or move that file away"; fi
    _check_selinux
    fresh=$GPU_METAL_RUN/smb.conf
    bulk conf | write_file "$fresh" 0600
    says=$(testparm -s "$fresh" 2>&1 >/dev/null) || untrue "Samba refuses the settings: $(tail -n 1 <<<"$says")"
    rm -f "$fresh"
    keep "$(samba_conf)"
    bulk conf | write_file "$(samba_conf)" 0644
    samba_on || untrue "$unit does not start. Fix: journalctl -u $unit -n 20 says why"
    # One that ran before reads them now, and those who are connected stay so.
    smbcontrol smbd reload-config
    _names_off
}

undo() {
    restore "$(samba_conf)"
    if samba_running && command -v smbcontrol >/dev/null; then smbcontrol smbd reload-config || true; fi
    samba_back
    _names_back
}

_check_selinux() {
    if command -v getenforce >/dev/null && [[ $(getenforce) == Enforcing ]] &&
        [[ $(getsebool samba_export_all_rw 2>/dev/null) != *' on' ]]; then
        untrue "has SELinux, which keeps Samba out of the folders. Fix: setsebool -P samba_export_all_rw on"
    fi
}

# Names of NetBIOS, which nobody needs beside DNS: its service came with the package, and has nothing to do.
_names_off() {
    local unit record
    unit=$(os_path samba_names_unit) record=$GPU_METAL_HOME/samba-names.was
    if [[ -e $record ]] || ! systemctl is-enabled -q "$unit" 2>/dev/null; then return; fi
    systemctl is-active "$unit" | write_file "$record" 0600 || true
    systemctl disable -q --no-reload --now "$unit"
}

_names_back() {
    local unit record
    unit=$(os_path samba_names_unit) record=$GPU_METAL_HOME/samba-names.was
    if [[ ! -e $record ]]; then return; fi
    systemctl enable -q --no-reload "$unit" || true
    if [[ $(<"$record") == active ]]; then systemctl start "$unit" || true; fi
    rm -f "$record"
}
