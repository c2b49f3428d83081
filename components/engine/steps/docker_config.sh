# Docker's daemon.json has the site's settings beside what others wrote there.
# rows: C2 G8
# inputs: one key per setting of daemon.json, its value as JSON
# uses: engine
#
# Merged by key: objects and lists are united, of single values the site's wins. The former values are recorded, so that
# undo, and a setting that leaves the site, remove ours and leave the others'. Docker re-reads some settings while it
# runs; the step `docker` restarts it for the rest.

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
    local refusal fresh=$GPU_METAL_RUN/daemon.json due
    refusal=$(_refusal)
    if [[ -n $refusal ]]; then untrue "$refusal"; fi
    _jq wanted --indent 4 >"$fresh"
    _validate "$fresh"
    due=$(_jq 'due(wanted)' -r)
    if [[ -n $due ]]; then engine_due docker "$due"; fi
    # Record first, then write the file: so the run after an interrupted one knows both states.
    _jq begun | write_file "$GPU_METAL_HOME/docker-settings.json" 0600
    write_file /etc/docker/daemon.json "$(_mode)" <"$fresh"
    _jq ended | write_file "$GPU_METAL_HOME/docker-settings.json" 0600
    rm -f "$fresh"
}

undo() {
    local left due
    if [[ -e /etc/docker/daemon.json && -z $(_refusal) ]]; then
        left=$(_jq 'others' --indent 4)
        due=$(_jq 'due(others)' -r)
        if [[ -n $due ]]; then engine_due docker "$due"; fi
        if [[ $left == '{}' ]]; then
            rm -f /etc/docker/daemon.json
            rmdir /etc/docker 2>/dev/null || true
        else
            write_file /etc/docker/daemon.json "$(_mode)" <<<"$left"
        fi
        if systemctl is-active -q docker && engine_stale docker; then engine_refresh docker; fi
    fi
    rm -f "$GPU_METAL_HOME/docker-settings.json"
}

# Prints why daemon.json cannot be used; nothing when it can.
_refusal() {
    local said
    if ! said=$(_now | jq -e 'type == "object"' 2>&1 >/dev/null); then
        printf '/etc/docker/daemon.json is not a JSON object (%s). Nothing was changed. Fix: %s' \
            "${said:-it is of another type}" "mend it by hand: jq . /etc/docker/daemon.json says where"
    fi
}

# A power cut may leave an empty file: then the recorded settings of others count.
_now() {
    if [[ -s /etc/docker/daemon.json ]]; then cat /etc/docker/daemon.json; else _record | jq .before; fi
}

_record() {
    cat "$GPU_METAL_HOME/docker-settings.json" 2>/dev/null || printf '{"before": {}, "ours": []}\n'
}

_mode() {
    stat -c %a /etc/docker/daemon.json 2>/dev/null || printf '0644\n'
}

_validate() {
    local said
    if dockerd --help 2>/dev/null | grep -e --validate >/dev/null && ! said=$(dockerd --validate --config-file "$1" 2>&1); then
        untrue "Docker refuses the settings: ${said##*$'\n'} Nothing was changed." \
            "Fix: correct engine in the site, or /etc/docker/daemon.json where the setting is not the site's"
    fi
}

# _jq FUNCTION [OPTIONS]: $now is daemon.json, $ours the site's settings, $record the record.
_jq() {
    jq -n "${@:2}" --slurpfile now_ <(_now) --slurpfile ours_ <(_ours) --slurpfile record_ <(_record) "$(_functions)$1"
}

_ours() {
    printf '{%s}\n' "$(inputs | sed 's/^\([^=]*\)=/"\1": /' | paste -sd,)"
}

_functions() {
    cat <<'JQ'
$now_[0] as $now | $ours_[0] as $ours | $record_[0] as $record |
# Entries of exec-opts are name=value: ours takes the place of another value.
def name: if test("^[\\w.-]+=") then split("=")[0] else . end;
def merged($theirs; $ours):
  if ($theirs | type) == "object" and ($ours | type) == "object" then
    reduce ($ours | keys_unsorted[]) as $k ($theirs; .[$k] = merged($theirs[$k]; $ours[$k]))
  elif ($theirs | type) == "array" and ($ours | type) == "array" then
    [$ours[] | name] as $names | $ours + [$theirs[] | select(name as $n | $names | index($n) | not)]
  else $ours end;
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
# daemon.json without our settings.
def others: reduce $record.ours[] as $o ($now; without(.; $o; $record.before // {}) // {});
# How Docker applies $new: reload or restart. A reload re-reads the keys of $live, but does not notice a removed one.
def due($new):
  ["default-runtime", "runtimes", "insecure-registries", "registry-mirrors", "live-restore"] as $live
  | [$now + $new | keys[] | select($now[.] != $new[.])]
  | if . == [] then "" elif all(. as $k | ($live | index($k)) and ($new | has($k))) then "reload" else "restart" end;
def wanted: merged(others; $ours);
def holds: $record.ours == [$ours] and merged($now; $ours) == $now;
def lacking: [$ours | keys[] | select(merged($now[.]; $ours[.]) != $now[.])] | join(", ");
def begun: {before: others, ours: ($record.ours + [$ours])};
def ended: {before: $record.before, ours: [$ours]};
JQ
}
