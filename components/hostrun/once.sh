# shellcheck shell=bash
# Questions that many checks of a run ask alike, such as all nodes of the cluster.

# once NAME COMMAND…: prints what COMMAND prints and ends as it does. In a run that only asks, it runs for the first check
# that wants it, and the others get its answer. Where steps are applied it runs each time: they change what it tells.
once() {
    local kept=${gm_once-}/$1 status=0
    if [[ -z ${gm_once-} ]] || { [[ ! -d $gm_once ]] && ! mkdir -p -- "$gm_once" 2>/dev/null; }; then
        "${@:2}"
        return
    fi
    if [[ ! -e $kept ]]; then
        "${@:2}" >"$kept.out" 2>"$kept.err" || status=$?
        printf '%s\n' "$status" >"$kept"
    fi
    if [[ -s $kept.err ]]; then printf '%s\n' "$(<"$kept.err")" >&2; fi
    if [[ -s $kept.out ]]; then printf '%s\n' "$(<"$kept.out")"; fi
    return "$(<"$kept")"
}
