# Units that the site does not want are stopped and masked, if this host has them, also when they come later.
# rows: H11
# inputs: units
# uses: host
#
# A word without a suffix stands for the service and for the socket, timer and path that would start it again; a word
# may be a glob. Masked by a link, not by `systemctl mask`: what was there before comes back as it was, and systemd is
# reloaded only where that costs no container its GPUs.

check() {
    local unit left
    for unit in $(_wanted_off); do
        if ! _is_masked "$unit"; then untrue "has $unit, which the site wants off"; fi
        if _is_active "$unit"; then untrue "has $unit running, which the site wants off"; fi
    done
    left=$(_no_longer | paste -sd ' ')
    if [[ -n $left ]]; then untrue "has $left off, which the site no longer asks for"; fi
}

apply() {
    local unit
    _no_longer | _bring_back
    for unit in $(_wanted_off); do
        _remember "$unit"
        ln -sfn /dev/null "/etc/systemd/system/$unit"
        # A template does not run itself: stop its instances.
        systemctl stop "${unit/@./@*.}"
    done
    _reload
}

undo() {
    _ours | _bring_back
    _reload
    rm -f "$(_record)"
}

# Units of this host that a word of the site means, masked already or not.
_wanted_off() {
    local word kind words patterns=()
    read -ra words < <(input units)
    for word in "${words[@]}"; do
        case $word in
            *.service | *.socket | *.timer | *.path | *.target | *.mount) patterns+=("$word") ;;
            *) for kind in service socket timer path; do patterns+=("$word.$kind"); done ;;
        esac
    done
    {
        # Ends with 1 when no file matches; units that run without a file come from the next command.
        systemctl list-unit-files --no-legend --plain "${patterns[@]}" || true
        systemctl list-units --all --no-legend --plain "${patterns[@]}"
    } |
        awk '$2 != "not-found" && $2 != "alias" { print $1 }' | sort -u
}

_is_masked() {
    [[ $(readlink "/etc/systemd/system/$1") == /dev/null ]]
}

_is_active() {
    systemctl list-units --no-legend --plain --state=active,activating,reloading "${1/@./@*.}" | grep . >/dev/null
}

# The units that we turned off: one `unit active|inactive` per line.
_record() {
    printf '%s/services-off' "$GPU_METAL_HOME"
}

_ours() {
    if [[ -e $(_record) ]]; then cut -d ' ' -f 1 "$(_record)" | sort -u; fi
}

_remember() {
    local state=inactive
    if _ours | grep -xF "$1" >/dev/null; then return; fi
    if _is_active "$1"; then state=active; fi
    keep "/etc/systemd/system/$1"
    {
        cat "$(_record)" 2>/dev/null || true
        printf '%s %s\n' "$1" "$state"
    } | write_file "$(_record)" 0600
}

_no_longer() {
    comm -23 <(_ours) <(_wanted_off)
}

# Restores the units of stdin as they were.
_bring_back() {
    local unit units started=()
    mapfile -t units
    for unit in "${units[@]}"; do
        restore "/etc/systemd/system/$unit"
        if grep -qxF "$unit active" "$(_record)"; then started+=("$unit"); fi
    done
    _reload
    for unit in "${started[@]}"; do
        # Its package may have gone meanwhile.
        if [[ $unit != *@.* && $(systemctl show --property=LoadState --value "$unit") == loaded ]]; then
            systemctl start "$unit"
        fi
    done
    for unit in "${units[@]}"; do
        { grep -v "^$unit " "$(_record)" || true; } | write_file "$(_record)" 0600
    done
}

_reload() {
    if ! gpu_containers losing >/dev/null; then systemctl daemon-reload; fi
}
