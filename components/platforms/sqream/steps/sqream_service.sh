# One of SQream's services runs as the site has it, by its own systemd unit: master, a worker, or Studio.
# rows: Q6 Q7
# inputs: name port also command storage after gpu config window
# bulk: settings
# uses: host sqream
#
# A change of this service touches no other one. If the service does not start with new settings, its previous settings are
# restored.

check() {
    local fault
    _right_files
    if ! systemctl is-enabled -q "$(_name)"; then untrue "$(_name) is not enabled"; fi
    if ! fault=$(gpu-metal-sqream fault "$(input name)" 2>&1); then untrue "$(_title) $fault"; fi
    if ! systemctl is-active -q "$(_name)"; then untrue "$(_name) is not active"; fi
}

apply() {
    local fault
    if [[ -e /etc/gpu-metal-sqream/hold ]]; then
        untrue "$(_title) is stopped for an upgrade that is not done. Fix: pulumi up; or gpu-metal-sqream resume, there"
    fi
    _wait_for_window
    _former_kept
    _write
    if _start; then
        _forget_former
        return
    fi
    fault=$(cat "/run/gpu-metal-sqream/$(input name).said" 2>/dev/null || printf 'journalctl -u %s -n 20 says why' "$(_name)")
    if _former_back; then fault+=". It runs with its previous settings again"; fi
    untrue "$(_title) did not start: $fault. Fix: correct what it says in the site, or on the host; then pulumi up"
}

undo() {
    systemctl stop "$(_name)" 2>/dev/null || true
    systemctl disable --no-reload "$(_name)" 2>/dev/null || true
    rm -f "$(_unit_file)" "/etc/gpu-metal-sqream/$(input name)" "/run/gpu-metal-sqream/$(input name)".*
    if [[ -n $(_json) ]]; then rm -f "$(_json)"; fi
    rm -rf "$(_former)"
    systemctl reset-failed "$(_name)" 2>/dev/null || true
}

_title() {
    case $(input name) in
        worker-*) printf 'worker on port %s' "$(input port)" ;;
        *) input name ;;
    esac
}

_name() { printf 'gpu-metal-sqream-%s.service' "$(input name)"; }

_unit_file() { printf '/etc/systemd/system/%s' "$(_name)"; }

# The JSON file of a worker's own settings; empty if it has none
_json() { if [[ -n $(input config '') ]]; then printf '%s/gpu-metal-%s.json' "$(input config)" "$(input name)"; fi; }

_former() { printf '%s/former-%s' "$(dirname "$(sqream_state installed)")" "$(input name)"; }

_right_files() {
    if ! _unit | same_file "$(_unit_file)"; then untrue "$(_unit_file) is not the site's"; fi
    if ! _is_set; then untrue "$(_title) is not set as the site has it"; fi
    if [[ -n $(_json) ]] && ! bulk settings | same_file "$(_json)"; then untrue "$(_json) is not what the site's settings say"; fi
}

# Changes that restart all services, one after another or with the master, wait for the site's window.
_wait_for_window() {
    local fault
    if [[ -z $(input window '') ]] || ! systemctl is-active -q "$(_name)"; then return; fi
    fault=$(gpu-metal-sqream fault "$(input name)" 2>&1) || true
    if [[ $fault == *'settings of the installation'* ]]; then
        in_window "$(input window)" "$(_title) $fault, and must be started anew"
    elif [[ $(input name) == master ]] && ! _is_set; then
        in_window "$(input window)" "master has new settings, and all services must be started anew"
    fi
}

_is_set() { _service | same_file "/etc/gpu-metal-sqream/$(input name)"; }

# Saves the settings of a service that runs well, to go back to them.
_former_kept() {
    local former
    former=$(_former)
    if [[ -d $former ]] || ! gpu-metal-sqream fault "$(input name)" >/dev/null 2>&1; then return; fi
    rm -rf "$former.new"
    mkdir -p "$former.new"
    cp -p "/etc/gpu-metal-sqream/$(input name)" "$former.new/service"
    if [[ -n $(_json) && -f $(_json) ]]; then cp -p "$(_json)" "$former.new/json"; fi
    mv -T "$former.new" "$former"
}

# Also removes the JSON file of a worker that no longer has settings.
_forget_former() {
    rm -rf "$(_former)"
    if [[ -z $(_json) && -n $(previous config) ]]; then rm -f "$(previous config)/gpu-metal-$(input name).json"; fi
}

# Restores the previous settings; status 1 if there are none, or the service does not start with them either
_former_back() {
    local former
    former=$(_former)
    if [[ ! -d $former ]]; then return 1; fi
    write_file "/etc/gpu-metal-sqream/$(input name)" 0644 <"$former/service"
    if [[ -f $former/json ]]; then write_file "$(_json)" 0644 <"$former/json"; fi
    rm -rf "$former"
    _start
}

_write() {
    if [[ -n $(_json) ]]; then bulk settings | write_file "$(_json)" 0644; fi
    _service | write_file "/etc/gpu-metal-sqream/$(input name)" 0644
    _unit | write_file "$(_unit_file)" 0644
    systemctl enable --no-reload "$(_name)"
    # systemd reads a new unit by itself, and a changed one at boot, where it matters: no reload that would cost
    # running containers their GPUs.
    if [[ $(systemctl show -p NeedDaemonReload --value "$(_name)") == yes ]] && ! gpu_containers losing >/dev/null; then
        systemctl daemon-reload
    fi
}

_start() {
    systemctl reset-failed "$(_name)" 2>/dev/null || true
    # Waits for a service that is starting already, behind the master.
    if [[ $(systemctl is-active "$(_name)") == activating ]]; then systemctl start "$(_name)" || true; fi
    # The program compares what runs with the settings, and leaves a correct container alone.
    if gpu-metal-sqream fault "$(input name)" >/dev/null 2>&1; then
        systemctl start "$(_name)"
    else
        systemctl restart "$(_name)"
    fi
}

# The service's file for the program; its digest restarts a worker whose JSON changed.
_service() {
    printf 'port=%s\ncommand=%s\n' "$(input port)" "$(input command)"
    if [[ -n $(input also '') ]]; then printf 'also=%s\n' "$(input also)"; fi
    if [[ -n $(input gpu '') ]]; then printf 'gpu=%s\n' "$(input gpu)"; fi
    if [[ -n $(_json) ]]; then printf 'settings=%s\n' "$(bulk settings | sha256sum | cut -d ' ' -f 1)"; fi
}

_unit() {
    local name after master='' limit=$'StartLimitIntervalSec=900\nStartLimitBurst=5' pause=10
    name=$(input name) after=$(input after '')
    # It stops and starts with the master, and still starts behind a master that comes up late.
    if [[ " $after " == *' gpu-metal-sqream-master.service '* ]]; then master=gpu-metal-sqream-master.service; fi
    # On another host systemd does not know when the master is up: a worker retries until it is, say after a power cut of both.
    if [[ $name == worker-* && -z $master ]]; then limit='StartLimitIntervalSec=0' pause=30; fi
    cat <<UNIT
# gpu-metal
[Unit]
Description=SQream $name
Wants=docker.service network-online.target $master
After=docker.service nvidia-persistenced.service nvidia-fabricmanager.service network-online.target $after
PartOf=gpu-metal-sqream.target $master
RequiresMountsFor=$(input storage)
ConditionPathExists=!/etc/gpu-metal-sqream/hold
$limit

[Service]
ExecStartPre=/usr/local/sbin/gpu-metal-sqream start $name
ExecStart=/usr/local/sbin/gpu-metal-sqream watch $name
ExecStop=/usr/local/sbin/gpu-metal-sqream stop $name
# systemd skips ExecStop of a service that is still starting: its container would go on without its unit.
ExecStopPost=/usr/local/sbin/gpu-metal-sqream stop $name
Restart=on-failure
RestartSec=$pause
TimeoutStartSec=420
TimeoutStopSec=300

[Install]
WantedBy=gpu-metal-sqream.target
UNIT
}
