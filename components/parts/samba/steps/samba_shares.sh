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
    if [[ -e $(_due) ]]; then untrue "$unit runs with older settings"; fi
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
    # A reload applies changed shares and keeps clients connected. Where passwords are kept, Samba reads at its start only.
    if [[ $(bulk conf | _whole) != "$(_whole 2>/dev/null <"$(samba_conf)")" ]]; then write_file "$(_due)" 0600 <<<due; fi
    bulk conf | write_file "$(samba_conf)" 0644
    samba_on || untrue "$unit does not start. Fix: journalctl -u $unit -n 20 says why"
    if [[ -e $(_due) ]]; then systemctl restart "$unit"; else smbcontrol smbd reload-config; fi
    rm -f "$(_due)"
    _names_off
}

undo() {
    restore "$(samba_conf)"
    samba_back
    # One that ran before us goes on with its own settings and passwords.
    if samba_running; then systemctl restart "$(os_path samba_unit)"; fi
    rm -f "$(_due)"
    _names_back
}

_due() { printf '%s/samba-due' "$GPU_METAL_HOME"; }

# The settings of Samba as a whole, from those on stdin
_whole() { awk '/^\[/ { whole = $0 == "[global]" } whole'; }

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
