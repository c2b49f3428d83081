# One Celery worker per system pulls images for the gateway (versions before 18.03), and restarts with it.
# rows: F5
# inputs: path user file systems threads images
# uses: host shifter

check() {
    local system unit
    if ! _unit | same_file "$(_unit_file)"; then untrue "$(_unit_file) is not the gateway's workers'"; fi
    for system in $(input systems); do unit_runs "shifter_imagegw_worker@$system"; done
    for unit in $(_strays); do untrue "$unit runs for a system that the site no longer names"; done
}

apply() {
    local system unit fresh=''
    for unit in $(_strays); do unit_ends "$unit"; done
    if ! _unit | same_file "$(_unit_file)"; then
        keep "$(_unit_file)"
        _unit | write_file "$(_unit_file)" 0644
        fresh=yes
    fi
    for system in $(input systems); do
        unit=shifter_imagegw_worker@$system
        systemd_reload "$unit"
        if [[ -n $fresh ]]; then systemctl stop "$unit"; fi
        unit_starts "$unit"
    done
    # A worker that cannot read its settings ends within seconds.
    sleep 3
}

undo() {
    local unit
    for unit in $(_enabled); do unit_ends "$unit"; done
    restore "$(_unit_file)"
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

$(imagegw_runs "$(_program)")
UNIT
}

_program() {
    printf '%s -A shifter_imagegw.imageworker worker -Q %%i -n %%i.%%%%h -c %s --loglevel=info' \
        "$(input path)/python-virtualenv/bin/celery" "$(input threads)"
}
