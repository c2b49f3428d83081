# Docker's daemon.json has the site's settings beside what others wrote there.
# rows: C2 G8
# inputs: one key per setting of daemon.json, its value as JSON
# uses: engine
#
# Merged by key: objects and lists are united, of single values the site's wins. The former values are recorded, so that
# undo, and a setting that leaves the site, remove ours and leave the others'. Docker re-reads some settings while it
# runs; the step `docker` restarts it for the rest. Live-restore is one of the former: it is in force before any restart.

_recorded=$GPU_METAL_HOME/docker-settings.json
_in_force=$GPU_METAL_HOME/docker-in-force.json

check() {
    local refusal
    refusal=$(_refusal)
    if [[ -n $refusal ]]; then untrue "$refusal"; fi
    if [[ ! -s /etc/docker/daemon.json || $(_jq holds) != true ]]; then
        untrue "/etc/docker/daemon.json lacks the site's settings:" \
            "$(_jq lacking -r)"
    fi
}

apply() {
    local refusal fresh=$GPU_METAL_RUN/daemon.json
    refusal=$(_refusal)
    if [[ -n $refusal ]]; then untrue "$refusal"; fi
    _jq wanted --indent 4 >"$fresh"
    _validate "$fresh"
    _note_due wanted
    # Record first, then write the file: so the run after an interrupted one knows both states.
    if [[ ! -e $_recorded ]]; then keep /etc/docker/daemon.json; fi
    _jq begun | write_file "$_recorded" 0600
    write_file /etc/docker/daemon.json "$(_mode)" <"$fresh"
    _jq ended | write_file "$_recorded" 0600
    rm -f "$fresh"
    _restore_first
}

undo() {
    local left
    # Without a record, nothing in the file is ours.
    if [[ -e $_recorded && -e /etc/docker/daemon.json && -z $(_broken) ]]; then
        left=$(_jq 'others' --indent 4)
        _note_due others
        _leave "$left"
        if systemctl is-active -q docker && engine_stale docker; then _refresh_or_leave; fi
    fi
    rm -f "$_recorded" "$_in_force"
}

# Leaves the others' settings: the former file where they are the same, else those of them that are there now.
_leave() {
    if [[ $1 == '{}' ]] && { ! kept /etc/docker/daemon.json || [[ -e $REPLY/absent ]]; }; then
        restore /etc/docker/daemon.json
        if [[ ! -L /etc/docker/daemon.json ]]; then rm -f /etc/docker/daemon.json; fi
        rmdir /etc/docker 2>/dev/null || true
    elif [[ $(kept_text /etc/docker/daemon.json | jq -S . 2>/dev/null) == "$(jq -S . <<<"$1")" ]]; then
        restore /etc/docker/daemon.json
    else
        write_file /etc/docker/daemon.json "$(_mode)" <<<"$1"
    fi
}

# This Docker stays, and so do containers that a restart would stop: it uses the former settings when it next starts.
_refresh_or_leave() {
    local mark=$GPU_METAL_HOME/docker-due running
    running=$(engine_stops "$(cat "$mark" 2>/dev/null)")
    if [[ -z $running || $(cat "$mark" 2>/dev/null) == reload ]]; then
        engine_refresh docker
    else
        printf 'Docker was not restarted for its former settings: it would stop %s\n' "${running//$'\n'/, }"
        rm -f "$mark"
    fi
}

# Before a restart: containers that run without live-restore would stop with the daemon.
_restore_first() {
    local tries
    if ! systemctl is-active -q docker || [[ $(input live-restore false) != true ]] || docker_live_restore; then return; fi
    systemctl reload docker
    _jq reloaded | write_file "$_in_force" 0600
    for ((tries = 0; tries < 50; tries++)); do
        if docker_live_restore; then return; fi
        sleep 0.2
    done
    printf 'Docker does not take live-restore while it runs\n'
}

# Prints why the site's settings cannot be brought into daemon.json; nothing when they can.
_refusal() {
    local key flag swarm broken
    broken=$(_broken)
    if [[ -n $broken ]]; then
        printf '%s' "$broken"
        return
    fi
    while read -r key flag; do
        if [[ -n $(inputs | sed -n "s/^$key=//p") ]]; then
            printf 'docker.service starts Docker with %s, and the site sets %s in %s: it does not start with both. ' \
                "$flag" "$key" /etc/docker/daemon.json
            printf 'Nothing was changed. Fix: take %s out of %s, then systemctl daemon-reload' "$flag" "$(_file_with "$flag")"
            return
        fi
    done < <(_by_flag)
    swarm=$(timeout 30 docker info --format '{{.Swarm.LocalNodeState}}' 2>/dev/null || true)
    if [[ $swarm == active && $(input live-restore false) == true ]]; then
        printf 'this Docker is in a swarm, and does not start with live-restore there. Nothing was changed. Fix: %s' \
            'engine.liveRestore: false in the site, or docker swarm leave'
    fi
}

_broken() {
    local said
    if ! said=$(_now | jq -e 'type == "object"' 2>&1 >/dev/null); then
        printf '/etc/docker/daemon.json is not a JSON object (%s). Nothing was changed. Fix: %s' \
            "${said:-it is of another type}" "mend it by hand: jq . /etc/docker/daemon.json says where"
    fi
}

# `KEY FLAG` of each setting that the unit gives by a flag. The flag of a list has another name than its key. Docker
# takes runtimes from both places.
_by_flag() {
    local flag key
    while read -r flag; do
        key=${flag#--}
        case $flag in
            --add-runtime) continue ;;
            --insecure-registry) key=insecure-registries ;;
            --exec-opt | --host | --label | --log-opt | --registry-mirror | --storage-opt | --default-ulimit) key+=s ;;
            -b) key=bridge ;;
            -D) key=debug ;;
            -g | --graph) key=data-root ;;
            -H) key=hosts ;;
            -l) key=log-level ;;
            -s) key=storage-driver ;;
        esac
        printf '%s %s\n' "$key" "$flag"
    done < <(engine_flags docker | sed -nE 's/^(--?[A-Za-z][A-Za-z0-9-]*).*/\1/p')
}

# The files of the unit in which a flag is written
_file_with() {
    local files
    files=$(systemctl show -p FragmentPath -p DropInPaths -p EnvironmentFiles --value docker | sed 's/ (ignore_errors=.*//')
    # shellcheck disable=SC2086  # paths of units have no blanks
    { grep -lsF -e "$1" $files || printf 'docker.service (systemctl cat docker shows it)\n'; } | paste -sd ' '
}

# A power cut may leave an empty file: then the recorded settings of others count.
_now() {
    if [[ -s /etc/docker/daemon.json ]]; then cat /etc/docker/daemon.json; else _record | jq .before; fi
}

_record() {
    cat "$_recorded" 2>/dev/null || printf '{"before": {}, "ours": []}\n'
}

_mode() {
    stat -Lc %a /etc/docker/daemon.json 2>/dev/null || printf '0644\n'
}

# As the unit starts it: a flag with the same setting is refused too. Docker before 23 does not know --validate.
_validate() {
    local said flags
    mapfile -t flags < <(engine_flags docker)
    if dockerd --help 2>/dev/null | grep -e --validate >/dev/null &&
        ! said=$(dockerd "${flags[@]}" --validate --config-file "$1" 2>&1); then
        untrue "Docker refuses the settings: ${said##*$'\n'} Nothing was changed." \
            "Fix: correct engine in the site, or /etc/docker/daemon.json where the setting is not the site's"
    fi
}

# _note_due wanted|others: notes how Docker comes to use these settings (engine_due). What the running daemon uses is kept
# until it has read the file, so that a change that is taken back before needs no restart.
_note_due() {
    local mark=$GPU_METAL_HOME/docker-due cgroup='' usual=cgroupfs due
    if [[ ! -e $mark || ! -e $_in_force ]]; then
        _now | write_file "$_in_force" 0600
    else
        rm -f "$mark"
    fi
    if systemctl is-active -q docker; then cgroup=$(timeout 30 docker info --format '{{.CgroupDriver}}' || true); fi
    if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then usual=systemd; fi
    due=$(_jq "due($1; \$cgroup; \$usual)" -r --arg cgroup "$cgroup" --arg usual "$usual")
    if [[ -n $due ]]; then engine_due docker "$due"; fi
}

# _jq FUNCTION [OPTIONS]: $now is daemon.json, $used what the daemon uses, $ours the site's settings, $record the record.
_jq() {
    jq -n "${@:2}" --slurpfile now_ <(_now) --slurpfile ours_ <(_ours) --slurpfile record_ <(_record) \
        --slurpfile used_ <(cat "$_in_force" 2>/dev/null || printf '{}') "$(_merging)$(_answers)$1"
}

_ours() {
    printf '{%s}\n' "$(inputs | sed 's/^\([^=]*\)=/"\1": /' | paste -sd,)"
}

_merging() {
    cat <<'JQ'
$now_[0] as $now | $ours_[0] as $ours | $record_[0] as $record | $used_[0] as $used |
# Entries of exec-opts are name=value: ours takes the place of another value.
def name: if test("^[\\w.-]+=") then split("=")[0] else . end;
def united($theirs; $ours):
  if ($theirs | type) == "object" and ($ours | type) == "object" then
    reduce ($ours | keys_unsorted[]) as $k ($theirs; .[$k] = united($theirs[$k]; $ours[$k]))
  elif ($theirs | type) == "array" and ($ours | type) == "array" then
    [$ours[] | name] as $names | $ours + [$theirs[] | select(name as $n | $names | index($n) | not)]
  else $ours end;
# Options of one log driver are refused beside another one.
def logs: ."log-driver" // "json-file";
def merged($theirs; $ours):
  united(if ($ours | has("log-driver")) and ($theirs | logs) != ($ours | logs) then $theirs | del(."log-opts") else $theirs end; $ours);
def without($now; $ours; $before):
  if ($now | type) == "object" and ($ours | type) == "object" then
    reduce ($ours | keys_unsorted[]) as $k ($now;
      if has($k) then
        without(.[$k]; $ours[$k]; if ($before | type) == "object" then $before[$k] else null end) as $left
        | if $left == null then del(.[$k]) else .[$k] = $left end
      else . end)
    | if . == {} and $before == null then null else . end
  elif ($now | type) == "array" and ($ours | type) == "array" then
    ($before // []) + ($now - $ours - ($before // [])) | if . == [] and $before == null then null else . end
  elif $now == $ours then $before
  else $now end;
JQ
}

_answers() {
    cat <<'JQ'
# daemon.json without our settings. With the former log driver, all its options come back.
def others:
  reduce $record.ours[] as $o ($now; without(.; $o; $record.before // {}) // {})
  | ($record.before // {}) as $before
  | if ($record.ours | any(has("log-driver"))) and ($now | logs) != logs then
      if $before | has("log-opts") then ."log-opts" = $before."log-opts" else del(."log-opts") end
    else . end;
# A reload re-reads these keys, but does not notice a removed one.
def live: ["default-runtime", "runtimes", "insecure-registries", "registry-mirrors", "live-restore"];
def reloaded: $used + ($now | with_entries(select(.key as $k | live | index($k))));
# How Docker, which uses $used, comes to use $new: reload, restart, or stop, where live-restore does not carry containers
# over. $cgroup is the cgroup driver in use.
def due($new; $cgroup; $usual):
  ["bip", "bridge", "data-root", "default-address-pools", "fixed-cidr", "ipv6", "iptables", "storage-driver",
     "userns-remap"] as $hard
  | ([$new."exec-opts"[]? | select(startswith("native.cgroupdriver=")) | split("=")[1]] | last // $usual) as $driver
  | [$used + $new | keys[] | select($used[.] != $new[.])]
  | if . == [] then ""
    elif any(.[]; . as $k | $hard | index($k)) or ($cgroup != "" and $cgroup != $driver) then "stop"
    elif all(.[]; . as $k | (live | index($k)) and ($new | has($k))) then "reload"
    else "restart" end;
def wanted: merged(others; $ours);
def holds: $record.ours == [$ours] and merged($now; $ours) == $now;
def lacking: [$ours | keys[] | select(. as $k | merged($now; $ours)[$k] != $now[$k])] | join(", ");
def begun: {before: others, ours: ($record.ours + [$ours])};
def ended: {before: $record.before, ours: [$ours]};
JQ
}
