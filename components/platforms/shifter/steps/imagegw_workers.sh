# One Celery worker per system pulls images for the gateway (versions before 18.03), and restarts with it.
# rows: F5
# inputs: path user file systems threads images
# uses: host

check() {
    local system unit
    if ! _unit | same_file "$(_unit_file)"; then untrue "$(_unit_file) is not the gateway's workers'"; fi
    for system in $(input systems); do
        unit=shifter_imagegw_worker@$system
        if ! systemctl is-enabled -q "$unit"; then untrue "$unit is not enabled"; fi
        if ! systemctl is-active -q "$unit"; then
            untrue "$unit does not run. Fix: journalctl -u $unit -n 20 says why"
        fi
    done
    for unit in $(_strays); do untrue "$unit runs for a system that the site no longer names"; done
}

apply() {
    local system unit fresh=''
    for unit in $(_strays); do _stop "$unit"; done
    if ! _unit | same_file "$(_unit_file)"; then
        keep "$(_unit_file)"
        _unit | write_file "$(_unit_file)" 0644
        fresh=yes
    fi
    for system in $(input systems); do
        unit=shifter_imagegw_worker@$system
        systemd_reload "$unit"
        if ! systemctl is-enabled -q "$unit"; then systemctl enable -q --no-reload "$unit"; fi
        systemctl reset-failed "$unit" 2>/dev/null || true
        if [[ -n $fresh ]]; then systemctl restart "$unit"; else systemctl start "$unit"; fi
    done
    # What cannot read its settings ends at once.
    sleep 3
}

undo() {
    local unit
    for unit in $(_enabled); do _stop "$unit"; done
    restore "$(_unit_file)"
}

_stop() {
    systemctl stop "$1" 2>/dev/null || true
    systemctl reset-failed "$1" 2>/dev/null || true
    systemctl disable -q --no-reload "$1" 2>/dev/null || true
}

_unit_file() {
    printf '/etc/systemd/system/shifter_imagegw_worker@.service'
}

_enabled() {
    find /etc/systemd/system/multi-user.target.wants -name 'shifter_imagegw_worker@*' -printf '%f\n' 2>/dev/null | sed 's/\.service$//'
}

_strays() {
    comm -23 <(_enabled | sort) <(input systems | tr ' ' '\n' | sed 's/^/shifter_imagegw_worker@/' | sort)
}

_unit() {
    cat <<UNIT
# gpu-metal
[Unit]
Description=Shifter image gateway's worker for %i
Wants=$(os_path redis_unit).service
After=$(os_path redis_unit).service shifter_imagegw.service
PartOf=shifter_imagegw.service
RequiresMountsFor=$(input images)

[Service]
User=$(input user)
WorkingDirectory=$(input path)
Environment=GWCONFIG=$(input file) PYTHONPATH=$(input path) PYTHONDONTWRITEBYTECODE=1
EnvironmentFile=-/etc/environment
ExecStart=$(input path)/python-virtualenv/bin/celery -A shifter_imagegw.imageworker worker -Q %i -n %i.%%h -c $(input threads) --loglevel=info
UMask=0022
Restart=always
RestartSec=2
NoNewPrivileges=yes
ProtectSystem=full

[Install]
WantedBy=multi-user.target
UNIT
}
