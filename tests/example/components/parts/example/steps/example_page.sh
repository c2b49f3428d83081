# The example's page is served, and is the one that the site names.
# rows: Z1
# inputs: file url sha256 port
# uses: example host

check() {
    local unit
    unit=$(basename "$(example_unit)")
    if ! _is_wanted; then untrue "$(example_page) is not the site's page"; fi
    if ! _service | same_file "$(example_unit)"; then untrue "$(example_unit) is not what the site says"; fi
    if ! systemctl is-enabled -q "$unit"; then untrue "$unit is not enabled"; fi
    if ! systemctl is-active -q "$unit"; then untrue "$unit does not run. Fix: journalctl -u $unit -n 20 says why"; fi
}

apply() {
    local unit fetched=$GPU_METAL_HOME/example-page
    unit=$(basename "$(example_unit)")
    keep "$(example_page)"
    keep "$(example_unit)"
    if ! _is_wanted; then
        bring_artefact "$fetched" 'the page' 'compare with where it comes from; then correct example.page.sha256'
        write_file "$(example_page)" 0644 <"$fetched"
        rm -f "$fetched"
    fi
    _service | write_file "$(example_unit)" 0644
    systemd_reload "$unit"
    systemctl enable -q --no-reload "$unit"
    systemctl restart "$unit"
    if ! port_opens "$(input port)" 30; then
        untrue "$unit does not listen on port $(input port). Fix: journalctl -u $unit -n 20 says why"
    fi
}

undo() {
    local unit
    unit=$(basename "$(example_unit)")
    systemctl stop "$unit" 2>/dev/null || true
    systemctl disable -q --no-reload "$unit" 2>/dev/null || true
    restore "$(example_unit)"
    restore "$(example_page)"
    systemd_reload
}

_is_wanted() { [[ $(sha256sum 2>/dev/null <"$(example_page)") == "$(input sha256)  -" ]]; }

_service() {
    cat <<UNIT
# gpu-metal
[Unit]
Description=The example's page
Wants=network-online.target
After=network-online.target

[Service]
User=nobody
ExecStart=$(os_path example_python) -m http.server $(input port) --directory $(dirname "$(example_page)")
Restart=on-failure

[Install]
WantedBy=multi-user.target
UNIT
}
