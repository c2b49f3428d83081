# shellcheck shell=bash disable=SC2034,SC2154  # the parts of runner.sh share their variables
# Changes: apply, undo, remove, adopt.

now() { # → REPLY, in hundredths of a second, since boot
    local up
    read -r up _ </proc/uptime
    REPLY=$((10#${up/./}))
}

# step_ended TEXT STARTED: one line per step
step_ended() {
    local tenths
    now
    tenths=$(((REPLY - $2 + 5) / 10))
    say "$1 $((tenths / 10)).$((tenths % 10))s"
}

apply_layer() { # LAYER
    local layer=$1 id refs=() failures=0 count=0
    for id in "${step_ids[@]}"; do
        ref_of "${step_line[$id]}"
        refs+=("$REPLY")
    done
    take_lock
    must_own
    verify_refs "${refs[@]}"
    open_ledger "$layer"
    [[ -z $ledger_fault ]] || keep_broken_ledger "$layer"
    add_layer "$layer"
    claim "$layer"
    split_vanished "$layer" "${step_ids[@]}"
    undo_steps "$layer" "${step_ids[@]}" "${waiting[@]}"
    ledger_order=("${step_ids[@]}" "${waiting[@]}")
    for id in "${step_ids[@]}"; do
        count=$((count + 1))
        apply_step "$layer" "$id" "$count/${#step_ids[@]}"
    done
    ((failures == 0)) || exit 1
    save_ledger "$layer"
    keep_waiting "$layer"
    end_layer "$layer"
    drop_unused_inputs
    answer "$layer: ${#step_ids[@]} steps hold"
    for id in "${step_ids[@]}"; do tell_step "$layer" "$id"; done
}

# tell_step LAYER ID: prints the output of the step's function `tell`, which later resources read from this layer's
# stdout: it is short and public, and changes only when the fact changes
tell_step() {
    local text status=0
    ref_of "${step_line[$2]}"
    has_function "$REPLY" tell || return 0
    _declarations tell "$1" "${step_line[$2]}"
    text=$(_child "$check_timeout" < <(printf '%s' "$REPLY") 2>&1) || status=$?
    [[ $status -eq 0 ]] || fail "$2" "holds, but tell ended with status $status: $(last_lines "$text")"
    answer "$text"
}

# open_ledger LAYER: reads it; refuses a ledger that a newer gpu-metal wrote
open_ledger() {
    read_ledger "$1" || fail ledger "the ledger of $1 $ledger_fault. Nothing was changed. Fix: use the newer release."
}

# apply_step LAYER ID N/ALL: a failed step without apply (a pure check) counts in `failures`; any other ends the run
apply_step() {
    local layer=$1 id=$2 place=$3 line=${step_line[$2]} status=0 started ref says
    now
    started=$REPLY
    ref_of "$line"
    ref=$REPLY
    mark_lock "$layer step ${place/\// of } ($id)"
    run_check "$layer" "$line" || status=$?
    says=$REPLY
    if [[ $status -eq 0 ]] && ! secrets_same "$layer" "$id"; then
        status=10 says="has not been given these secrets"
    fi
    if [[ $status -eq 0 ]]; then
        record_done "$layer" "$id" "$line"
        step_ended "$layer $place $id unchanged" "$started"
        show_remark "$id" "$says"
    elif ! has_function "$ref" apply; then
        fault "$id" "$says"
        failures=$((failures + 1))
    else
        ((failures == 0)) || exit 1
        [[ $status -eq 10 ]] || fail "$id" "$says"
        change_step "$layer" "$id" "$line"
        says=$REPLY
        step_ended "$layer $place $id changed" "$started"
        show_remark "$id" "$says"
    fi
}

show_remark() { # ID TEXT
    [[ -z $2 ]] || say "! $host [$1] $2"
}

change_step() { # LAYER ID LINE → REPLY: the remark of its check, if any
    local layer=$1 id=$2 line=$3 status=0 log says
    # Record the step first, so that an apply that is killed midway can be undone.
    begin_layer "$layer"
    line_begun["$id"]=$line
    keep_bulk "$line"
    save_ledger "$layer"
    run_logged apply "$layer" "$line" || status=$?
    log=$REPLY
    [[ $status -eq 0 ]] || fail "$id" "$(_broken apply "$status" "$log")"
    run_check "$layer" "$line" || fail "$id" "was applied, but: $REPLY Log: $log"
    says=$REPLY
    keep_secrets "$layer" "$id"
    record_done "$layer" "$id" "$line"
    note "$layer $id changed"
    REPLY=$says
}

record_done() { # LAYER ID LINE
    unset "line_begun[$2]"
    line_done[$2]=$3
    keep_bulk "$3"
    save_ledger "$1" later
}

# _broken FUNCTION STATUS LOG: prints the message for a failed function
_broken() {
    local why=$step_end text fix
    [[ $2 != 10 ]] || why="could not make it true"
    text=$(last_lines "$(tail -c 65536 -- "$3")")
    fix=$(cause "$text") || true
    [[ -n $fix || $text == *Fix:* ]] || fix="Fix: see its last lines; the next run goes on from this step."
    printf '%s %s.%s Log: %s\n%s' "$1" "$why" "${fix:+ $fix}" "$3" "$text"
}

# undo_steps LAYER [ID…]: undoes, in reverse order, the ledger's steps that are not among ID…
undo_steps() {
    local layer=$1 index id line wanted=" ${*:2} " steps=() refs=()
    for ((index = ${#ledger_order[@]} - 1; index >= 0; index--)); do
        id=${ledger_order[index]}
        [[ $wanted == *" $id "* ]] || steps+=("$id")
    done
    for id in "${steps[@]}"; do
        for line in "${line_begun[$id]-}" "${line_done[$id]-}"; do
            ref_of "$line"
            [[ -z $REPLY ]] || refs+=("$REPLY")
        done
    done
    sum_steps "${refs[@]}"
    for id in "${steps[@]}"; do _undo_step "$layer" "$id"; done
}

_undo_step() { # LAYER ID
    # What only checks has nothing to take back.
    local layer=$1 id=$2 started what=forgotten
    now
    started=$REPLY
    mark_lock "$layer undo of $id"
    begin_layer "$layer"
    # Undo an unfinished apply first: its inputs may differ from those of the last completed one.
    if [[ -n ${line_begun[$id]-} ]]; then
        _undo_line "$layer" "$id" "${line_begun[$id]}"
        unset "line_begun[$id]"
        save_ledger "$layer" later
    fi
    [[ -z ${line_done[$id]-} ]] || _undo_line "$layer" "$id" "${line_done[$id]}"
    unset "line_done[$id]"
    save_ledger "$layer" later
    forget_secrets "$layer" "$id"
    [[ $what == kept* ]] || rm -rf -- "$GPU_METAL_HOME/kept/$layer/$id" "$GPU_METAL_HOME/log/$layer/$id.log"
    note "$layer $id $what"
    step_ended "$layer undo $id $what" "$started"
}

_undo_line() { # LAYER ID LINE: sets `what`
    local ref status=0
    ref_of "$3"
    ref=$REPLY
    verify_refs "$ref"
    if has_function "$ref" undo; then
        run_logged undo "$1" "$3" || status=$?
        [[ $status -eq 0 ]] || fail "$2" "$(_broken undo "$status" "$REPLY")"
        what=undone
    elif has_function "$ref" apply; then
        what="kept as it is: it has no undo"
    fi
}

# must_own: refuses a run of another stack, and of an earlier state of this one; a host that has no owner gets it
must_own() {
    judge_owner "$GPU_METAL_HOME" "$owner"
    if [[ $REPLY == nobody ]]; then
        own_it
    elif [[ $REPLY != ours ]]; then
        refusal "$host" "$owner"
        fail owner "$REPLY"
    fi
}

own_it() { # [RUN]
    local error
    error=$(claim_owner "$GPU_METAL_HOME" "$owner" "${1-}" 2>&1) ||
        fail ledger "$GPU_METAL_HOME/owner cannot be written: ${error##*: }. $(cause "$error")"
}

# may_undo [RUN]: status 1 when this host is another's, whose layers are left alone: the stack that asks forgets it. A call
# that an interrupted run left on its way here is refused.
may_undo() {
    judge_owner "$GPU_METAL_HOME" "$owner"
    case $REPLY in
        ours | nobody) ;;
        damaged)
            refusal "$host" "$owner"
            fail owner "$REPLY"
            ;;
        *)
            say "! $host [owner] belongs to ${owner_text}. Nothing was undone here, and this stack forgets it."
            return 1
            ;;
    esac
    if [[ -n $owner ]] && newer_run "$GPU_METAL_HOME" "${1-}"; then
        fail owner "a newer run of $owner_text has been here since this $verb was begun. Nothing was undone. Fix: pulumi up, then again; if the state is an old copy, sitectl adopt $host first."
    fi
}

# adopt [RUN]: this host is the calling stack's from now on. Changes nothing else: the next apply does.
adopt() {
    [[ -n $owner ]] || usage "adopt: 'owner PROJECT STACK SITE STATE' comes on stdin."
    take_lock
    own_it "${1-}"
    note "adopted by $owner"
    answer "adopted"
}

undo_layer() { # LAYER [RUN]
    take_lock
    if ! may_undo "${2-}"; then
        answer "$1: left alone"
        return
    fi
    _undo_layer "$1"
    # Before forget_layer: if this fails, the layer still counts as begun, and check reports it.
    undo_waiting "$1"
    forget_layer "$1"
    drop_unused_inputs
    answer "$1: undone"
}

_undo_layer() {
    open_ledger "$1"
    # Do not guess what to undo: the next apply writes a complete ledger, and undo can work from that.
    [[ -z $ledger_fault ]] || fail ledger "the ledger of $1 $ledger_fault. Nothing was undone. Fix: have the layer \
applied again (back into the site if it has left it; sitectl drift --record; pulumi up), then undo it."
    undo_steps "$1"
}

# remove_all [RUN]: every layer, the last first; then the runner and its data
remove_all() {
    local layers index target
    take_lock
    may_undo "${1-}" || exit 3
    layer_names
    layers=("${REPLY_WORDS[@]}")
    for ((index = ${#layers[@]} - 1; index >= 0; index--)); do
        _undo_layer "${layers[index]}"
        forget_layer "${layers[index]}"
    done
    target=${GPU_METAL_BIN:-/usr/local/sbin/gpu-metal}
    [[ ! -L $target || $(readlink -- "$target") != "$GPU_METAL_HOME"/* ]] || rm -f -- "$target"
    rm -rf -- "$GPU_METAL_HOME" "$GPU_METAL_RUN"
    answer "removed"
}
