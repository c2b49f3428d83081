# shellcheck shell=bash disable=SC2034,SC2154  # the parts of runner.sh share their variables
# Leaving layers: they are on this host, but no longer in the site. Pulumi deletes them at the end of its run, after it
# has updated their prerequisites. So a step that leaves a lower layer waits for them before it is undone: a user stays
# until the last program that runs as this user has gone.
#   site: the layers that the site has on this host, one a line
#   waiting/LAYER: ids of the steps that wait, one a line, then @LAYER for each layer that they wait for

declare -a waiting=()   # ids
declare -a waits_for=() # @LAYER

# leaving_layers [LAYER [GONE]] → array REPLY_WORDS: all of them, or those first applied after LAYER; never GONE
leaving_layers() {
    local name site leaving=() before=${1-}
    REPLY_WORDS=()
    [[ -f $GPU_METAL_HOME/site ]] || return 0
    mapfile -t site <"$GPU_METAL_HOME/site"
    layer_names
    for name in "${REPLY_WORDS[@]}"; do
        if [[ -n $before ]]; then
            [[ $name != "$before" ]] || before=
            continue
        fi
        # Membership stays on a host that once was the first control plane (ADR 0009): its undo would remove live nodes.
        [[ " ${site[*]} " == *" $name "* || $name =~ ^members?- || $name == "${2-}" ]] || leaving+=("$name")
    done
    REPLY_WORDS=("${leaving[@]}")
}

# claim LAYER: adds a layer that is being applied to the site's list, which an interrupted run may have left outdated
claim() {
    leaving_layers
    [[ " ${REPLY_WORDS[*]} " != *" $1 "* ]] || printf '%s\n' "$1" >>"$GPU_METAL_HOME/site"
}

# split_vanished LAYER ID…: if a later layer is leaving, puts the ledger's steps that are not among ID… into `waiting`
split_vanished() {
    local layer=$1 id wanted=" ${*:2} " leaving
    waiting=()
    leaving_layers "$layer"
    leaving="${REPLY_WORDS[*]}"
    waits_for=("${REPLY_WORDS[@]/#/@}")
    for id in "${ledger_order[@]}"; do
        if [[ -z $leaving || $wanted == *" $id "* ]] || ! _has_undo "$id"; then continue; fi
        waiting+=("$id")
        say "$layer undo $id waits until this has left: $leaving"
    done
    [[ -e $GPU_METAL_HOME/waiting/$layer ]] || return 0
    begin_layer "$layer"
    rm -f -- "$GPU_METAL_HOME/waiting/$layer"
}

# keep_waiting LAYER: saves `waiting`, only once the layer's steps hold: after a failed run the site may be reverted
# without another run, and the list would be wrong.
keep_waiting() {
    local text file=$GPU_METAL_HOME/waiting/$1
    [[ ${#waiting[@]} -gt 0 ]] || return 0
    mkdir -p -- "${file%/*}"
    printf -v text '%s\n' "${waiting[@]}" "${waits_for[@]}"
    record "$file" "${text%$'\n'}"
}

_has_undo() { # ID
    local line=${line_begun[$1]-}
    ref_of "${line:-${line_done[$1]}}"
    has_function "$REPLY" undo
}

# undo_waiting GONE: in each layer, undoes the steps that waited for GONE, unless another layer is still leaving. Steps
# that wait for a layer that came back (a killed run, then a reverted edit) stay: the site has them again.
undo_waiting() {
    local layers index name
    layer_names
    layers=("${REPLY_WORDS[@]}")
    for ((index = ${#layers[@]} - 1; index >= 0; index--)); do
        [[ -f $GPU_METAL_HOME/waiting/${layers[index]} ]] || continue
        for name in "${layers[@]}"; do
            [[ $name == "$1" ]] || ! grep -qxF -- "@$name" "$GPU_METAL_HOME/waiting/${layers[index]}" || continue 2
        done
        leaving_layers "${layers[index]}" "$1"
        [[ ${#REPLY_WORDS[@]} -gt 0 ]] || _undo_waiting "${layers[index]}"
    done
}

_undo_waiting() { # LAYER
    local id ids stay=()
    mapfile -t ids <"$GPU_METAL_HOME/waiting/$1"
    open_ledger "$1"
    for id in "${ledger_order[@]}"; do
        [[ " ${ids[*]} " == *" $id "* ]] || stay+=("$id")
    done
    undo_steps "$1" "${stay[@]}"
    rm -f -- "$GPU_METAL_HOME/waiting/$1"
    end_layer "$1"
}
