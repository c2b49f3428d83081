# No other version of SQream is installed than the site's, and no upgrade is half done.
# rows: Q8
# inputs: user package database console editor window metadata_change master others
# limit: 7200
# uses: sqream
#
# An upgrade stops all services of this host, within its window; those of the other hosts are stopped already. From then on
# a hold keeps them from starting, at boot too, until the new version is installed. The installer's question about the
# metadata is answered with yes if the site's metadataChange names this version, and no other question is answered. A
# failure before the metadata may have changed brings the old version back; after that, no service is started that could
# harm the metadata. undo removes the records of an upgrade; the version goes with the package.

check() {
    local settings
    if [[ -e $(_hold) ]]; then untrue "the upgrade to $(_held package) was begun ($(_held since)) and is not done"; fi
    settings=$(sqream_settings)
    if [[ -z $settings || -z $(sqream_installed) ]]; then return; fi
    if ! _is_wanted "$settings" || [[ $(sqream_installed) != "$(input package)" ]]; then
        untrue "has $(_seen "$settings"), wants $(_wanted)"
    fi
}

apply() {
    local settings status=0
    if [[ $(_held metadata) == agreed ]]; then
        settings=$(sqream_settings 2>/dev/null) || settings=''
        if [[ -z $settings ]]; then _in_midst "sqream-install -s shows no whole installation"; fi
    fi
    settings=$(sqream_settings)
    if [[ -z $settings ]]; then
        rm -f "$(_hold)"
        return
    fi
    if [[ $(_held metadata) == agreed && $(_held package) != "$(input package)" ]]; then
        untrue "the metadata may be changed for $(_held package), and $(input package) must not touch it. Nothing was started." \
            "Fix: installer.package: $(_held package) again; or restore the storage's backup, rm $(_hold), pulumi up"
    fi
    _refuse_older
    if [[ -n $(_running) ]]; then in_window "$(input window daily\ 00:00-24:00)" "$(_wanted) is due instead of $(_seen "$settings")"; fi
    _begin "$settings"
    if ! gpu-metal-sqream stop-all; then
        if [[ $(_held metadata) == agreed ]]; then _in_midst "not all of its services could be stopped: $(_running)"; fi
        _resume "" "Not all of its services could be stopped: $(_running)."
    fi
    _install || status=$?
    settings=$(sqream_settings 2>/dev/null) || settings=''
    if ((status == 0)) && _is_wanted "$settings"; then
        _done
    elif [[ $(_held metadata) != agreed ]] && ! _is_wanted "$settings"; then
        _resume "$ASKED" "$(_last)."
    else
        _in_midst "${ASKED:-$(_last)}"
    fi
}

undo() {
    rm -f "$(_hold)" "$(sqream_state metadata)"
}

_in_midst() { # WHY
    untrue "the upgrade to $(_wanted) was interrupted: $1. Services stay stopped, so that nothing older touches the" \
        "metadata. Fix: mend what it says, or ask SQream's support; then pulumi up goes on"
}

_hold() { printf '/etc/gpu-metal-sqream/hold'; }

_held() { sed -n "s/^$1=//p" "$(_hold)" 2>/dev/null || true; }

_wanted() { printf 'SQreamDB %s (%s)' "$(input database)" "$(input package)"; }

_seen() { printf 'SQreamDB %s (%s)' "$(sqream_value SQREAM_TAG <<<"$1")" "$(sqream_installed)"; }

_is_wanted() { # SETTINGS
    [[ $(sqream_value SQREAM_TAG <<<"$1") == "$(input database)" &&
    $(sqream_value SQREAM_CONSOLE_TAG <<<"$1") == "$(input console)" &&
    $(sqream_value SQREAM_EDITOR_TAG <<<"$1") == "$(input editor)" ]]
}

# Services of SQream on this host
_running() { docker ps --filter name=^sqream_ --format '{{.Names}} {{.Image}}' | awk '$2 !~ /console/ { print $1 }' | paste -sd ' '; }

# A version older than the one for which the metadata was changed cannot read it.
_refuse_older() {
    local changed newest stand=''
    changed=$(cat "$(sqream_state metadata)" 2>/dev/null || true)
    newest=$(printf '%s\n' "$changed" "$(input database)" | sort -V | tail -n 1)
    if [[ -n $changed && $newest != "$(input database)" ]]; then
        if [[ -n $(input others '') ]]; then stand=". Workers of $(input others) are stopped: gpu-metal-sqream resume there starts them"; fi
        untrue "the metadata was changed for SQreamDB $changed, which $(input database) cannot read. Nothing was changed." \
            "Fix: installer.package of $changed or newer; or restore the storage's backup, rm $(sqream_state metadata), pulumi up$stand"
    fi
}

_begin() { # SETTINGS
    local agreed
    agreed=$(_held metadata)
    {
        printf 'package=%s\nfrom=%s\n' "$(input package)" "$(sqream_installed)"
        printf 'since=%s\n' "$(_held since | grep . || date '+%F %H:%M')"
        if [[ -n $agreed ]]; then printf 'metadata=%s\n' "$agreed"; fi
    } | write_file "$(_hold)" 0644
}

_install() {
    local agreed='' before status=0
    before=$(_held metadata)
    if [[ $(input metadata_change '') == "$(input database)" ]]; then
        agreed=$(sqream_metadata_question)
        # Recorded before the question: if this run is killed after the answer, the next one must know.
        _agree agreed
    fi
    sqream_asked "$agreed" -i >"$(_said)" || status=$?
    cat "$(_said)"
    if [[ -n $ANSWERED || $before == agreed ]]; then
        input database | write_file "$(sqream_state metadata)" 0600
    else
        _agree
    fi
    return "$status"
}

_agree() { { sed '/^metadata=/d' "$(_hold)" && printf '%s' "${1:+metadata=$1$'\n'}"; } | write_file "$(_hold)" 0644; }

_said() { printf '%s/sqream-said' "$GPU_METAL_RUN"; }

# What the installer said last
_last() { tr -d '\r' <"$(_said)" | grep '[^[:space:]]' | tail -n 1; }

# Starts the old version again on the master's host only; elsewhere its workers would find no master.
_resume() { # QUESTION WHY
    local why=$2 from fix="mend what it says" back="Its workers stay stopped"
    if [[ -n $1 ]]; then
        why="sqream-install asks: $1 - and got no answer."
        fix="answer it by hand, in $(sqream_folder)"
        if [[ $1 =~ $(sqream_metadata_question) ]] && ! takes_away "$1"; then
            fix="make a copy of the metadata; metadataChange: \"$(input database)\" agrees"
            if [[ -n $(input metadata_change '') ]]; then fix+=" (the site has $(input metadata_change))"; fi
        fi
    fi
    if [[ $(input master) == yes ]]; then
        from=$(_held from) back="$(_held from) runs again"
        rm -f "$(_hold)"
        gpu-metal-sqream start-all || back="$from was started again, and fails: systemctl status 'gpu-metal-sqream*'"
        if [[ -n $(input others '') ]]; then
            back+="; workers of $(input others) wait for the upgrade, or for this, there: gpu-metal-sqream resume"
        fi
    fi
    untrue "SQream was not upgraded to $(_wanted). $why $back. Fix: $fix; then pulumi up"
}

_done() {
    local units
    input package | write_file "$(sqream_state installed)" 0600
    rm -f "$(_hold)" "$(_said)"
    # Not waited for: each service's own step does that. Studio's port may be another one now.
    mapfile -t units < <(find /etc/gpu-metal-sqream \( -name master -o -name 'worker-*' \) -printf 'gpu-metal-sqream-%f.service\n')
    if ((${#units[@]})); then
        systemctl reset-failed "${units[@]}" 2>/dev/null || true
        systemctl start --no-block "${units[@]}"
    fi
}
