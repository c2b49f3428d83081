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

# A WORD is `name`, `name=version` (a version may be a glob) or `@term`.

# pkg_untrue [--hold] WORD…: prints the first thing that is not as asked; nothing when all is right. For check.
pkg_untrue() {
    local hold='' words word name seen gone
    if [[ ${1-} == --hold ]]; then hold=yes && shift; fi
    words=$(os_packages "$@") || return
    for word in $words; do
        name=${word%%=*} seen=$(pkg_version "${word%%=*}" | paste -sd ' ')
        if [[ -z $seen ]]; then
            printf 'has no package %s, wants it\n' "$name"
        elif ! pkg_right "$word"; then
            printf 'has %s %s, wants %s\n' "$name" "$seen" "${word#*=}"
        elif [[ -n $hold ]] && ! pkg_held "$name"; then
            printf 'has %s %s not held\n' "$name" "$seen"
        else
            continue
        fi
        return
    done
    gone=$(_pkg_dropped <<<"$words")
    if [[ -n $gone ]]; then
        printf 'has %s, which the site no longer asks for\n' "${gone//$'\n'/, }"
    elif [[ -e $GPU_METAL_HOME/packages/before || $(pkg_asked) != "$(_pkg_names <<<"$words")" ]]; then
        printf 'lacks its record of the packages it asks for, or of those that an interrupted run installed\n'
    fi
}

# pkg_add [--hold] WORD…: installs what is not right, and releases what this step asked for before and no longer does
pkg_add() {
    local hold='' words names word missing=() status=0
    if [[ ${1-} == --hold ]]; then hold=yes && shift; fi
    words=$(os_packages "$@")
    names=$(_pkg_names <<<"$words")
    _pkg_dropped <<<"$words" | _pkg_release
    {
        pkg_asked
        printf '%s\n' "$names"
    } | _pkg_save "asked/$gm_layer.$gm_step"
    # Do not name packages that are right already: they would be upgraded.
    for word in $words; do
        if ! pkg_right "$word"; then missing+=("$word"); fi
    done
    if ((${#missing[@]})); then
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
    _pkg_save "asked/$gm_layer.$gm_step" <<<"$names"
}

# pkg_drop: releases all packages that this step asked for. For undo.
pkg_drop() {
    _pkg_after "$(pkg_asked)"
    pkg_asked | _pkg_release
    _pkg_save "asked/$gm_layer.$gm_step" </dev/null
    if [[ -z $(_pkg_elsewhere) ]]; then rm -f "$GPU_METAL_HOME/packages/folders"; fi
}

# pkg_asked: the names that this step asked for, sorted
pkg_asked() { _pkg_list "asked/$gm_layer.$gm_step"; }

# pkg_installed NAME [VERSION]: installed and configured, in a version that fits if one is given?
pkg_installed() { pkg_right "$1${2:+=$2}"; }

# Names only, one per line, sorted.
_pkg_names() { tr ' ' '\n' | sed 's/=.*//; s/:.*//; /^$/d' | sort -u; }

# The lists $@ (came, went, auto, held, folders, asked/…), as they were saved.
_pkg_list() { (cd "$GPU_METAL_HOME/packages" && cat -- "$@") 2>/dev/null || true; }

# Saves stdin as the list $1; deletes the file if the list is empty.
_pkg_save() {
    local file=$GPU_METAL_HOME/packages/$1
    _pkg_names | write_file "$file" 0600
    if [[ ! -s $file ]]; then rm -f "$file"; fi
}

# The names that the other steps of this host ask for.
_pkg_elsewhere() {
    local file
    for file in "$GPU_METAL_HOME"/packages/asked/*; do
        if [[ -f $file && ${file##*/} != "$gm_layer.$gm_step" ]]; then cat "$file"; fi
    done | sort -u
}

# Packages of ours that this step once asked for, that are not in the words of stdin, and that are still installed.
_pkg_dropped() {
    local gone
    gone=$(comm -23 <(pkg_asked) <(_pkg_names))
    if [[ -z $gone ]]; then return; fi
    comm -12 <(printf '%s\n' "$gone") <(_pkg_list held came auto | sort -u) |
        comm -12 - <(pkg_list)
}

# Saves what is installed before an installation; keeps the record that an interrupted run has left.
_pkg_before() {
    local folders=$GPU_METAL_HOME/packages/folders
    if [[ ! -e $folders ]]; then system_folders_there | write_file "$folders" 0600; fi
    if [[ -e $GPU_METAL_HOME/packages/before ]]; then return; fi
    pkg_auto | _pkg_save before-auto
    pkg_list | _pkg_save before
}

# Records what an installation changed, also one by a run that was killed.
_pkg_after() { # NAMES
    if [[ ! -e $GPU_METAL_HOME/packages/before ]]; then return; fi
    {
        _pkg_list came
        comm -13 <(_pkg_list before) <(pkg_list)
    } | sort -u | comm -23 - <(_pkg_list went) |
        _pkg_save came
    {
        _pkg_list went
        comm -23 <(_pkg_list before) <(pkg_list)
    } | sort -u | comm -23 - <(_pkg_list came) |
        comm -23 - <(pkg_list) | _pkg_save went
    {
        _pkg_list auto
        comm -12 <(printf '%s\n' "$1") <(_pkg_list before-auto)
    } | _pkg_save auto
    rm -f "$GPU_METAL_HOME/packages/before" "$GPU_METAL_HOME/packages/before-auto"
}

# Marks those of NAMES that came as dependencies as asked for.
_pkg_ask() { # NAMES
    local names
    mapfile -t names < <(comm -12 <(pkg_auto) <(printf '%s\n' "$1"))
    if ((${#names[@]})); then
        {
            _pkg_list auto
            printf '%s\n' "${names[@]}"
        } | _pkg_save auto
        pkg_mark_asked "${names[@]}"
    fi
}

_pkg_hold() { # NAMES
    local name
    for name in $1; do
        if ! pkg_held "$name"; then
            {
                _pkg_list held
                printf '%s\n' "$name"
            } | _pkg_save held
            pkg_hold "$name"
        fi
    done
}

# Releases the holds that we set on the packages of stdin.
_pkg_unhold() {
    local ours names
    ours=$(comm -12 - <(_pkg_list held))
    if [[ -n $ours ]]; then
        mapfile -t names <<<"$ours"
        pkg_unhold "${names[@]}"
        comm -23 <(_pkg_list held) - <<<"$ours" | _pkg_save held
    fi
}

# The packages of stdin are no longer asked for: removes what came with them, unless something else needs it.
_pkg_release() {
    local names ours unneeded last=''
    names=$(_pkg_names)
    if [[ -z $names ]]; then return; fi
    _pkg_unhold <<<"$names"
    names=$(comm -23 - <(_pkg_elsewhere) <<<"$names")
    mapfile -t ours < <(_pkg_list came auto | sort -u | comm -12 - <(pkg_list) |
        comm -12 - <(printf '%s\n' "$names"))
    if ((${#ours[@]})); then pkg_mark_auto "${ours[@]}"; fi
    if [[ -z $(_pkg_elsewhere) ]]; then last=--last; fi
    # shellcheck disable=SC2086  # an empty $last must not become an argument
    unneeded=$(_pkg_list came | comm -12 - <(pkg_list) | comm -23 - <(_pkg_elsewhere) | pkg_unneeded $last)
    # shellcheck disable=SC2086  # words are names
    if [[ -n $unneeded ]]; then pkg_purge $unneeded; fi
    # Also when an interrupted run has purged packages already.
    _pkg_list folders | bring_folders
    comm -12 <(_pkg_list came) <(pkg_list) | _pkg_save came
    comm -23 <(_pkg_list auto) - <<<"$names" | _pkg_save auto
    _pkg_bring_back
}

# Reinstalls packages that ours replaced (chrony replaces systemd-timesyncd) as soon as nothing conflicts with them.
_pkg_bring_back() {
    local name
    for name in $(_pkg_list went); do
        if pkg_fits "$name"; then pkg_install "$name"; fi
    done
    comm -23 <(_pkg_list went) <(pkg_list) | _pkg_save went
}
