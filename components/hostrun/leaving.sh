# shellcheck shell=bash disable=SC2034,SC2154  # the parts of runner.sh share their variables
# Layers that leave: they are on this host, and the site has them no more. Pulumi takes them away at the end of its run,
# after what they stand on has changed. So what a layer below has lost waits for them: a user stays until the last program
# that runs as this user has gone.
#   site: the layers that the site has here, patterns, one a line      waiting/LAYER: ids of steps that wait, one a line

declare -a waiting=() # ids

# leaving_layers → array REPLY_WORDS
leaving_layers() {
    local name pattern patterns leaving=()
    REPLY_WORDS=()
    [[ -f $GPU_METAL_HOME/site ]] || return 0
    mapfile -t patterns <"$GPU_METAL_HOME/site"
    layer_names
    for name in "${REPLY_WORDS[@]}"; do
        for pattern in "${patterns[@]}"; do
            # shellcheck disable=SC2053  # a pattern, as member-* is
            [[ $name != $pattern ]] || continue 2
        done
        leaving+=("$name")
    done
    REPLY_WORDS=("${leaving[@]}")
}

# split_vanished LAYER ID…: what the ledger has and ID… has not goes into `waiting` where a layer leaves this host
split_vanished() {
    local layer=$1 id wanted=" ${*:2} " leaving error file=$GPU_METAL_HOME/waiting/$1
    waiting=()
    leaving_layers
    leaving="${REPLY_WORDS[*]}"
    for id in "${ledger_order[@]}"; do
        if [[ -z $leaving || $wanted == *" $id "* ]] || ! _has_undo "$id"; then continue; fi
        waiting+=("$id")
        say "$layer undo $id waits until this has left: $leaving"
    done
    if [[ ${#waiting[@]} -eq 0 ]]; then
        rm -f -- "$file"
    else
        mkdir -p -- "${file%/*}"
        error=$(printf '%s\n' "${waiting[@]}" | write_file "$file" 0600 2>&1) ||
            fail ledger "$file cannot be written: ${error##*: }. $(cause "$error")"
    fi
}

_has_undo() { # ID
    local line=${line_begun[$1]-}
    ref_of "${line:-${line_done[$1]}}"
    has_function "$REPLY" undo
}

# undo_waiting: what waited for the layer that has left now, unless another one leaves too
undo_waiting() {
    local layers index
    leaving_layers
    [[ ${#REPLY_WORDS[@]} -eq 0 ]] || return 0
    layer_names
    layers=("${REPLY_WORDS[@]}")
    for ((index = ${#layers[@]} - 1; index >= 0; index--)); do
        [[ ! -f $GPU_METAL_HOME/waiting/${layers[index]} ]] || _undo_waiting "${layers[index]}"
    done
}

_undo_waiting() { # LAYER
    local id ids stay=() whole=yes
    [[ ! -e $GPU_METAL_HOME/begun/$1 ]] || whole=
    ids=" $(tr '\n' ' ' <"$GPU_METAL_HOME/waiting/$1") "
    open_ledger "$1"
    for id in "${ledger_order[@]}"; do
        [[ $ids == *" $id "* ]] || stay+=("$id")
    done
    undo_steps "$1" "${stay[@]}"
    rm -f -- "$GPU_METAL_HOME/waiting/$1"
    [[ -z $whole ]] || end_layer "$1"
}
