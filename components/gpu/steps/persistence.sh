# nvidia-persistenced is enabled and runs, and keeps the GPUs ready between jobs.
# rows: G4 H20
# uses: host gpu
#
# Some packages start it with --no-persistence-mode, and a runfile brings no unit: a drop-in or a unit of ours corrects
# that. If the driver is not in use yet, the daemon starts with the restart that is due.

check() {
    if ! _wanted | same_file "$(_file)"; then untrue "$(_file) does not start nvidia-persistenced in persistence mode"; fi
    if ! systemctl is-enabled -q nvidia-persistenced; then untrue "nvidia-persistenced is not enabled"; fi
    if _in_use && ! systemctl is-active -q nvidia-persistenced; then
        untrue "nvidia-persistenced does not run. Fix: journalctl -u nvidia-persistenced -n 20 says why"
    fi
}

apply() {
    local file
    file=$(_file)
    keep "$file"
    if ! _wanted | same_file "$file"; then
        _wanted | write_file "$file" 0644
        systemd_reload
        if _in_use; then systemctl try-restart nvidia-persistenced; fi
    fi
    systemctl enable -q --no-reload nvidia-persistenced
    if _in_use; then systemctl start nvidia-persistenced; fi
}

# The package removes its unit; if the package stays, the daemon runs on with the package's own settings.
undo() {
    local file
    for file in "$_unit" "$_drop_in"; do
        if kept "$file"; then
            if [[ $file == "$_unit" ]]; then systemctl disable -q --no-reload --now nvidia-persistenced || true; fi
            restore "$file"
        fi
    done
    systemd_reload
    systemctl try-restart nvidia-persistenced || true
}

# Does the kernel run the daemon's own driver? The daemon does not start with another one.
_in_use() {
    [[ -n $(gpu_loaded) && $(gpu_loaded) == "$(gpu_files)" ]]
}

_unit=/etc/systemd/system/nvidia-persistenced.service
_drop_in=$_unit.d/gpu-metal.conf

_file() {
    if [[ -n $(_packaged) ]]; then printf '%s' "$_drop_in"; else printf '%s' "$_unit"; fi
}

# The unit as its package has it
_packaged() {
    local file
    for file in /usr/lib/systemd/system/nvidia-persistenced.service /lib/systemd/system/nvidia-persistenced.service; do
        if [[ -e $file ]]; then
            printf '%s' "$file"
            return
        fi
    done
}

_wanted() {
    local packaged start
    packaged=$(_packaged)
    start=$(sed -nE 's/^ExecStart=(.*)/\1/p' "${packaged:-/dev/null}" | tail -n 1)
    start=${start:-/usr/bin/nvidia-persistenced --verbose}
    start="$(sed 's/ --no-persistence-mode//; s/ --persistence-mode//' <<<"$start") --persistence-mode"
    if [[ -n $packaged ]]; then
        printf '# gpu-metal\n[Service]\nExecStart=\nExecStart=%s\n' "$start"
    else
        printf '# gpu-metal\n[Unit]\nDescription=NVIDIA Persistence Daemon\n[Service]\nType=forking\nExecStart=%s\n' "$start"
        printf 'ExecStopPost=/bin/rm -rf /run/nvidia-persistenced\n[Install]\nWantedBy=multi-user.target\n'
    fi
}
