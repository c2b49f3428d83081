# NFS-Ganesha runs and exports the share to its clients.
# rows: S1
# inputs: path clients squash versions
# uses: storage

_conf=/etc/ganesha/ganesha.conf

check() {
    if ! _wanted | same_file "$_conf"; then untrue "has another $_conf than the site's"; fi
    if ! systemctl is-enabled -q nfs-ganesha; then untrue "nfs-ganesha is not enabled"; fi
    if ! systemctl is-active -q nfs-ganesha; then
        untrue "nfs-ganesha does not run. Fix: tail /var/log/ganesha/ganesha.log says why"
    fi
    if [[ -e $(_due) ]]; then untrue "nfs-ganesha runs with older settings"; fi
    if ! _exports; then
        untrue "nfs-ganesha does not export $(input path)$(_why). Fix: tail /var/log/ganesha/ganesha.log says more;" \
            "a folder on an overlay cannot be exported"
    fi
}

apply() {
    _refuse_others
    keep "$_conf"
    if ! _wanted | same_file "$_conf"; then
        write_file "$(_due)" 0600 </dev/null
        _wanted | write_file "$_conf" 0644
    fi
    if [[ -e $(_due) ]] && systemctl is-active -q nfs-ganesha; then systemctl restart nfs-ganesha; fi
    unit_on nfs-ganesha
    if ! port_opens 2049 60; then
        untrue "nfs-ganesha does not listen on port 2049. Fix: tail /var/log/ganesha/ganesha.log says why"
    fi
    for _ in {1..30}; do
        if _exports; then break; fi
        sleep 1
    done
    rm -f "$(_due)"
}

undo() {
    rm -f "$(_due)"
    restore "$_conf"
    unit_back nfs-ganesha
    if systemctl is-active -q nfs-ganesha; then systemctl restart nfs-ganesha; fi
}

# Ganesha starts without the exports that it cannot make, so it is asked which it has.
_exports() {
    timeout 10 busctl call org.ganesha.nfsd /org/ganesha/nfsd/ExportMgr org.ganesha.nfsd.exportmgr ShowExports \
        2>/dev/null | grep -F "\"$(input path)\"" >/dev/null
}

_why() {
    local line
    line=$(grep -F "$(input path)" /var/log/ganesha/ganesha.log 2>/dev/null | grep -F ':CRIT :' | tail -n 1)
    if [[ -n $line ]]; then printf ': %s' "${line##*:CRIT :}"; fi
}

_due() { printf '%s/ganesha-due' "$GPU_METAL_HOME"; }

# An export in a file that was there before us would be gone: the package's own example has none that exists.
_refuse_others() {
    local path
    if kept "$_conf" || [[ ! -e $_conf ]]; then return; fi
    while read -r path; do
        if [[ -e $path ]]; then
            untrue "has $_conf, which exports $path already. Nothing was changed. Fix: name this host as storage.server" \
                "in place of nfs, or move that file away"
        fi
    done < <(sed -nE 's/^[[:space:]]*[Pp]ath[[:space:]]*=[[:space:]]*"?([^";]+)"?;.*/\1/p' "$_conf")
}

_wanted() {
    local versions clients
    versions=$(input versions) clients=$(input clients)
    cat <<CONF
# gpu-metal
NFS_CORE_PARAM {
    NFS_Port = 2049;
    MNT_Port = 20048;
    NLM_Port = 32803;
    Enable_RQUOTA = false;
    Protocols = ${versions// /, };
    mount_path_pseudo = true;
}

EXPORT {
    Export_Id = 1;
    Path = "$(input path)";
    Pseudo = "$(input path)";
    Protocols = ${versions// /, };
    Transports = TCP;
    SecType = sys;
    Access_Type = None;
    FSAL {
        Name = VFS;
    }
    CLIENT {
        Clients = ${clients// /, };
        Access_Type = RW;
        Squash = $(input squash);
    }
}
CONF
}
