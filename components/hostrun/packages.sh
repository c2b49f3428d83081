# shellcheck shell=bash
# shellcheck disable=SC2154  # gm_layer and gm_step come by stdin
# Packages that a step asks for. Sourced by lib.sh, on top of the family's verbs.
#
# Records for the whole host, not per step, which packages came and went with them, so that undo removes exactly the
# packages that came with ours, also after a run that was cut off during an installation. A package that another step
# still asks for stays, and so does one of ours that was there before in another version.

# pkg_waits PID: tells the operator that another package tool is waited for, once
pkg_waits() {
    if [[ $1 == "${_pkg_waits_for-}" ]]; then return; fi
    _pkg_waits_for=$1
    remark "waits for the package lock: pid $1 ($(cat "/proc/$1/comm" 2>/dev/null || printf 'has ended'))"
}

# pkg_waited SECONDS [PID [COMMAND]]: prints that it was waited for in vain
pkg_waited() {
    local who='another program' fix='let it end'
    if [[ -n ${2-} ]]; then
        who="pid $2 (${3:-$(cat "/proc/$2/comm" 2>/dev/null || true)})" fix="let it end (ps -fp $2)"
    fi
    printf 'waited %s s for the package lock: %s. Fix: %s, then run again\n' "$1" "$who" "$fix" >&2
}

# A WORD is `name`, `name=version` (a version may be a glob) or `@term`. package_lists.sh has the lists of their names.

# pkg_untrue [--hold] WORD…: prints the first thing that is not as asked; nothing when all is right. For check.
pkg_untrue() {
    local hold='' words word name seen asked
    local -A pkg_seen=()
    if [[ ${1-} == --hold ]]; then hold=yes && shift; fi
    words=$(os_packages "$@") || return
    _pkg_see "$words"
    for word in $words; do
        name=${word%%=*} seen=${pkg_seen[${word%%=*}]-}
        if [[ -z $seen ]]; then
            printf 'has no package %s, wants it\n' "$name"
        elif ! pkg_right "$word" "$seen"; then
            printf 'has %s %s, wants %s\n' "$name" "${seen//$'\n'/ }" "${word#*=}"
        elif [[ -n $hold ]] && ! pkg_held "$name"; then
            printf 'has %s %s not held\n' "$name" "${seen//$'\n'/ }"
        else
            continue
        fi
        return
    done
    _pkg_names "$words"
    words=$REPLY
    _pkg_dropped "$words"
    if [[ -n $REPLY ]]; then
        printf 'has %s, which the site no longer asks for\n' "${REPLY//$'\n'/, }"
        return
    fi
    _pkg_read "asked/$gm_layer.$gm_step"
    asked=$REPLY
    if [[ -e $GPU_METAL_HOME/packages/before || $asked != "$words" ]]; then
        printf 'lacks its record of the packages it asks for, or of those that an interrupted run installed\n'
    fi
}

# pkg_add [--hold] WORD…: installs what is not right, and releases what this step asked for before and no longer does
pkg_add() {
    local hold='' words names word missing=() status=0
    local -A pkg_seen=()
    if [[ ${1-} == --hold ]]; then hold=yes && shift; fi
    words=$(os_packages "$@")
    _pkg_names "$words"
    names=$REPLY
    _pkg_dropped "$names"
    _pkg_release "$REPLY"
    _pkg_add_to "asked/$gm_layer.$gm_step" "$names"
    # Do not name packages that are right already: they would be upgraded.
    _pkg_see "$words"
    for word in $words; do
        if [[ -z ${pkg_seen[${word%%=*}]-} ]] || ! pkg_right "$word" "${pkg_seen[${word%%=*}]}"; then missing+=("$word"); fi
    done
    if ((${#missing[@]})); then
        if pkg_unread; then pkg_update; fi
        _pkg_before
        pkg_install "${missing[@]}" || status=$?
        # Do not wait for a lock twice. For any other failure, outdated package lists may be the cause.
        if ((status == 75)); then return 75; fi
        if ((status)); then
            pkg_update
            pkg_install "${missing[@]}"
        fi
    fi
    _pkg_after "$names"
    _pkg_ask "$names"
    if [[ -n $hold ]]; then _pkg_hold "$names"; fi
    _pkg_save "asked/$gm_layer.$gm_step" "$names"
}

# pkg_drop: releases all packages that this step asked for. For undo.
pkg_drop() {
    local asked
    _pkg_read "asked/$gm_layer.$gm_step"
    asked=$REPLY
    _pkg_after "$asked"
    _pkg_release "$asked"
    _pkg_save "asked/$gm_layer.$gm_step" ''
    _pkg_elsewhere
    if [[ -z $REPLY ]]; then rm -f "$GPU_METAL_HOME/packages/folders"; fi
}

# pkg_asked: the names that this step asked for, sorted
pkg_asked() {
    _pkg_read "asked/$gm_layer.$gm_step"
    if [[ -n $REPLY ]]; then printf '%s\n' "$REPLY"; fi
}

# pkg_installed NAME [VERSION]: installed and configured, in a version that fits if one is given?
pkg_installed() { pkg_right "$1${2:+=$2}"; }

# _pkg_dropped NAMES → REPLY: packages of ours that this step once asked for, that are not in NAMES and still installed
_pkg_dropped() {
    local gone
    _pkg_read "asked/$gm_layer.$gm_step"
    _pkg_without "$REPLY" "$1"
    gone=$REPLY
    if [[ -z $gone ]]; then return; fi
    _pkg_read held came auto
    _pkg_both "$gone" "$REPLY"
    if [[ -n $REPLY ]]; then _pkg_both "$REPLY" "$(pkg_list)"; fi
}

# Saves what is installed before an installation; keeps the record that an interrupted run has left.
_pkg_before() {
    local folders=$GPU_METAL_HOME/packages/folders
    if [[ ! -e $folders ]]; then system_folders_there | write_file "$folders" 0600; fi
    if [[ -e $GPU_METAL_HOME/packages/before ]]; then return; fi
    _pkg_save before-auto "$(pkg_auto)"
    _pkg_save before "$(pkg_list)"
}

# Records what an installation changed, also one by a run that was killed.
_pkg_after() { # NAMES
    local before now came went
    if [[ ! -e $GPU_METAL_HOME/packages/before ]]; then return; fi
    now=$(pkg_list)
    _pkg_read before
    before=$REPLY
    _pkg_read went
    went=$REPLY
    _pkg_read came
    came=$REPLY
    _pkg_without "$now" "$before"
    _pkg_plus "$came" "$REPLY"
    _pkg_without "$REPLY" "$went"
    came=$REPLY
    _pkg_save came "$came"
    _pkg_without "$before" "$now"
    _pkg_plus "$went" "$REPLY"
    _pkg_without "$REPLY" "$came"$'\n'"$now"
    _pkg_save went "$REPLY"
    _pkg_read before-auto
    _pkg_both "$1" "$REPLY"
    _pkg_add_to auto "$REPLY"
    rm -f "$GPU_METAL_HOME/packages/before" "$GPU_METAL_HOME/packages/before-auto"
}

# Marks those of NAMES that came as dependencies as asked for.
_pkg_ask() { # NAMES
    local names
    _pkg_both "$1" "$(pkg_auto)"
    names=$REPLY
    if [[ -z $names ]]; then return; fi
    _pkg_add_to auto "$names"
    # shellcheck disable=SC2086  # words are names
    pkg_mark_asked $names
}

_pkg_hold() { # NAMES
    local name
    for name in $1; do
        if ! pkg_held "$name"; then
            _pkg_add_to held "$name"
            pkg_hold "$name"
        fi
    done
}

# Releases the holds that we set.
_pkg_unhold() { # NAMES
    local held ours
    _pkg_read held
    held=$REPLY
    _pkg_both "$1" "$held"
    ours=$REPLY
    if [[ -z $ours ]]; then return; fi
    # shellcheck disable=SC2086  # words are names
    pkg_unhold $ours
    _pkg_without "$held" "$ours"
    _pkg_save held "$REPLY"
}

# These packages are no longer asked for: removes what came with them, unless something else needs it.
_pkg_release() { # NAMES
    local names=$1 elsewhere list ours unneeded='' last=''
    if [[ -z $names ]]; then return; fi
    _pkg_unhold "$names"
    _pkg_elsewhere
    elsewhere=$REPLY
    _pkg_without "$names" "$elsewhere"
    names=$REPLY
    list=$(pkg_list)
    _pkg_read came auto
    _pkg_both "$names" "$REPLY"
    _pkg_both "$REPLY" "$list"
    ours=$REPLY
    # shellcheck disable=SC2086  # words are names
    if [[ -n $ours ]]; then pkg_mark_auto $ours; fi
    if [[ -z $elsewhere ]]; then last=--last; fi
    _pkg_read came
    _pkg_both "$REPLY" "$list"
    _pkg_without "$REPLY" "$elsewhere"
    # shellcheck disable=SC2086  # an empty $last must not become an argument
    if [[ -n $REPLY ]]; then unneeded=$(printf '%s\n' "$REPLY" | pkg_unneeded $last); fi
    if [[ -n $unneeded ]]; then
        # shellcheck disable=SC2086  # words are names
        pkg_purge $unneeded
        list=$(pkg_list)
    fi
    # Also when an interrupted run has purged packages already.
    _pkg_read folders
    if [[ -n $REPLY ]]; then bring_folders <<<"$REPLY"; fi
    _pkg_read came
    _pkg_both "$REPLY" "$list"
    _pkg_save came "$REPLY"
    _pkg_read auto
    _pkg_without "$REPLY" "$names"
    _pkg_save auto "$REPLY"
    _pkg_bring_back
}

# Reinstalls packages that ours replaced (chrony replaces systemd-timesyncd) as soon as nothing conflicts with them.
_pkg_bring_back() {
    local name went
    _pkg_read went
    went=$REPLY
    if [[ -z $went ]]; then return; fi
    for name in $went; do
        if pkg_fits "$name"; then pkg_install "$name"; fi
    done
    _pkg_without "$went" "$(pkg_list)"
    _pkg_save went "$REPLY"
}
