# The image gateway runs with its present code, environment and settings, and answers for its systems.
# rows: F5
# inputs: path user file listen port systems images after
# uses: host shifter

check() {
    local system seen
    if ! _unit | same_file "$(_unit_file)"; then untrue "$(_unit_file) is not the image gateway's"; fi
    unit_runs shifter_imagegw
    if [[ -e $GPU_METAL_HOME/imagegw-due ]]; then untrue "the image gateway runs with older settings"; fi
    for system in $(input systems); do
        seen=$(imagegw_list "http://127.0.0.1:$(input port)" "$system")
        # If some images are not for everybody, a request without a credential fails.
        if [[ $seen == 500* ]]; then seen=$(imagegw_list "http://127.0.0.1:$(input port)" "$system" munge); fi
        case $seen in
            200*) ;;
            404*)
                untrue "system $system differs: the image gateway has no list of it. Fix: Platforms in $(input file);" \
                    "or its database does not answer: journalctl -u shifter_imagegw -n 20 says which"
                ;;
            *)
                untrue "the image gateway gives no list of $system on port $(input port): ${seen#000 }." \
                    "Fix: does it reach its database? journalctl -u shifter_imagegw -n 20 says more"
                ;;
        esac
    done
}

apply() {
    imagegw_due
    keep "$(_unit_file)"
    _unit | write_file "$(_unit_file)" 0644
    systemd_reload shifter_imagegw
    if ! systemctl is-enabled -q shifter_imagegw; then systemctl enable -q --no-reload shifter_imagegw; fi
    systemctl reset-failed shifter_imagegw 2>/dev/null || true
    systemctl stop shifter_imagegw
    _free
    systemctl start shifter_imagegw
    _wait || _says_why
    _tidy
    rm -f "$GPU_METAL_HOME/imagegw-due"
}

undo() {
    unit_ends shifter_imagegw
    restore "$(_unit_file)"
    rm -f "$GPU_METAL_HOME/imagegw-due"
}

_unit_file() {
    printf '/etc/systemd/system/shifter_imagegw.service'
}

_unit() {
    cat <<UNIT
# gpu-metal
[Unit]
Description=Shifter image gateway
Wants=network-online.target $(input after)
After=network-online.target munge.service $(input after)
RequiresMountsFor=$(input images)

$(imagegw_runs "$(_program)")
UNIT
}

# Sanic from 22.02 on, gunicorn for the earlier Flask: these let us choose the port.
_program() {
    local python port
    python=$(input path)/python-virtualenv/bin/python port=$(input port)
    if compgen -G "$(input path)/python-virtualenv/lib/python*/site-packages/sanic" >/dev/null; then
        printf '%s -m sanic shifter_imagegw.api.app --host=%s --port=%s' "$python" "$(input listen)" "$port"
    else
        printf '%s -m gunicorn --bind %s:%s --backlog 2048 --timeout 3600 shifter_imagegw.api:app' "$python" \
            "$(input listen | sed 's/.*:.*/[&]/')" "$port"
    fi
}

_free() {
    local holder
    holder=$(port_holder "$(input port)")
    if [[ -n $holder ]]; then
        untrue "port $(input port) is in use by $holder; the image gateway wants it." \
            "Fix: stop what is named, or give gateway another port"
    fi
}

_wait() {
    local end=$((SECONDS + 60))
    until (exec 3<>"/dev/tcp/localhost/$(input port)") 2>/dev/null; do
        if ((SECONDS > end || $(systemctl show -p NRestarts --value shifter_imagegw) > 0)); then return 1; fi
        sleep 0.3
    done
}

_says_why() {
    local why
    why=$(unit_log shifter_imagegw -n 40 | grep -vE '^(\s|Traceback|shifter_imagegw\.service|St(art|opp)ed )' |
        tail -n 1 | cut -c -300)
    untrue "the image gateway does not start: $why. Fix: journalctl -u shifter_imagegw -n 40 shows all"
}

# Environments that no longer run
_tidy() {
    local used
    used=$(basename "$(readlink "$(input path)/python-virtualenv")")
    find "$(input path)/environments" -mindepth 1 -maxdepth 1 ! -name "$used" -exec rm -rf {} +
}
