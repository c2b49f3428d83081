# The program by which systemd runs SQream's services is installed, and a systemd target groups them.
# rows: Q6
# inputs: user
# bulk: program
# uses: sqream

_program=/usr/local/sbin/gpu-metal-sqream
_target=/etc/systemd/system/gpu-metal-sqream.target

check() {
    if ! bulk program | same_file $_program || [[ ! -x $_program ]]; then untrue "$_program is not this release's"; fi
    if ! _settings | same_file /etc/gpu-metal-sqream/settings; then untrue "/etc/gpu-metal-sqream/settings is not the site's"; fi
    if ! _unit | same_file $_target; then untrue "$_target is not this release's"; fi
    if ! systemctl is-enabled -q gpu-metal-sqream.target; then untrue "gpu-metal-sqream.target is not enabled"; fi
}

apply() {
    bulk program | write_file $_program 0755
    _settings | write_file /etc/gpu-metal-sqream/settings 0644
    _unit | write_file $_target 0644
    systemctl enable --no-reload gpu-metal-sqream.target
    systemctl start gpu-metal-sqream.target
}

undo() {
    systemctl stop gpu-metal-sqream.target 2>/dev/null || true
    systemctl disable --no-reload gpu-metal-sqream.target 2>/dev/null || true
    rm -f $_target $_program
    rm -rf /etc/gpu-metal-sqream /run/gpu-metal-sqream
}

_settings() { printf 'user=%s\nstate=%s\n' "$(input user)" "$(dirname "$(sqream_state installed)")"; }

_unit() {
    cat <<UNIT
# gpu-metal
[Unit]
Description=SQream's services on this host

[Install]
WantedBy=multi-user.target
UNIT
}
