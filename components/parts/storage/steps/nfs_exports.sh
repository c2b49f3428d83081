# The kernel's NFS server runs and exports the share to its clients, as /etc/exports.d/gpu-metal.exports says.
# rows: S1
# inputs: path clients options
# uses: storage

check() {
    local unit seen
    unit=$(os_path nfs_server_unit)
    if ! _line | same_file "$(exports_file)"; then untrue "has another $(exports_file) than the site's"; fi
    _refuse_others
    if ! systemctl is-enabled -q "$unit"; then untrue "$unit is not enabled"; fi
    if ! systemctl is-active -q "$unit"; then untrue "$unit does not run. Fix: journalctl -u $unit -n 20 says why"; fi
    seen=$(_exported)
    if [[ $seen != "$(_wanted)" ]]; then
        untrue "exports $(input path) to ${seen:-nobody}, wants $(_wanted). Fix: exportfs -ra says what it refuses"
    fi
}

apply() {
    local unit
    unit=$(os_path nfs_server_unit)
    _refuse_others
    keep "$(exports_file)"
    _line | write_file "$(exports_file)" 0644
    unit_on "$unit" || untrue "$unit does not start. Fix: journalctl -u $unit -n 20 says why;" \
        "a kernel without nfsd needs nfs: {server: ganesha}"
    exportfs -ra
}

undo() {
    restore "$(exports_file)"
    if command -v exportfs >/dev/null; then exportfs -ra; fi
    unit_back "$(os_path nfs_server_unit)"
}

_line() {
    local client
    printf '# gpu-metal\n%s' "$(input path)"
    for client in $(input clients); do printf ' %s(%s)' "$client" "$(input options)"; done
    printf '\n'
}

_wanted() { input clients | tr ' ' '\n' | sort | paste -sd ' '; }

# The clients of the share in the table of the kernel
_exported() {
    exportfs -s | awk -v "path=$(input path)" '$1 == path { sub(/\(.*/, "", $2); print $2 }' | sort | paste -sd ' '
}

_refuse_others() {
    local others
    others=$(other_exports "$(input path)" | paste -sd ';')
    if [[ -n $others ]]; then
        untrue "has another export of $(input path), or of a folder above it or in it ($others). Fix: take that line" \
            "out; ours is $(exports_file)"
    fi
}
