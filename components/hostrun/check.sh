# shellcheck shell=bash disable=SC2034,SC2154  # the parts of runner.sh share their variables
# Questions: do the steps hold? Changes nothing: works on a read-only file system and takes no lock.

declare -a report_layers=() # in order
declare -a report=()        # rows: layer, step, status and what it says, one after the other
declare -A library_told=()  # by layer: whether it has a row of a damaged library
all_hold=yes

_row() { # LAYER STEP STATUS SAYS
    # A check's message of several lines is joined.
    report+=("$1" "$2" "$3" "${4//[$'\n\t']/ }")
    [[ $3 == ok ]] || all_hold=no
}

_check_line() { # LAYER ID LINE
    local status=0
    run_check "$1" "$3" || status=$?
    case $status in
        0) _row "$1" "$2" ok "$REPLY" ;;
        10) _row "$1" "$2" drift "$REPLY" ;;
        *) _row "$1" "$2" broken "$REPLY" ;;
    esac
}

# check_layers [LAYER…]: checks the steps that the ledger has; of all layers when none is named
check_layers() {
    local layer id line leaving
    asker_once=$GPU_METAL_RUN/.once.$$
    leaving_layers
    leaving=" ${REPLY_WORDS[*]} "
    if [[ $# -eq 0 ]]; then
        layer_names
        set -- "${REPLY_WORDS[@]}"
    fi
    # A host on which no layer was ever applied does not hold.
    [[ $# -gt 0 ]] || all_hold=no
    _sum_steps_of "$@"
    for layer in "$@"; do
        report_layers+=("$layer")
        if ! read_ledger "$layer"; then
            _row "$layer" ledger broken "the ledger of $layer $ledger_fault. Fix: use the newer release."
        elif [[ -n $ledger_fault ]]; then
            _row "$layer" ledger drift "the ledger of $layer $ledger_fault. Fix: sitectl drift --record, then pulumi up."
        elif ledger_path "$layer" && [[ ! -e $REPLY ]]; then
            _row "$layer" ledger drift "nothing of $layer was applied here. Fix: sitectl drift --record, then pulumi up."
        fi
        _run_ended "$layer" || continue
        [[ $leaving != *" $layer "* ]] || _row "$layer" run drift "the site no longer has this layer. Fix: pulumi up; \
if its stack does not know it either, sudo ${GPU_METAL_BIN:-/usr/local/sbin/gpu-metal} undo $layer."
        if [[ -e $GPU_METAL_HOME/waiting/$layer ]]; then
            leaving_layers "$layer"
            [[ ${#REPLY_WORDS[@]} -gt 0 ]] || _row "$layer" run drift "steps that left the site are still here, waiting for \
no layer. Fix: sitectl drift --record, then pulumi up."
        fi
        for id in "${ledger_order[@]}"; do
            line=${line_begun[$id]-}
            line=${line:-${line_done[$id]}}
            _check_refs "$layer" "$id" "$line" && _check_line "$layer" "$id" "$line"
        done
    done
    _print_report
}

# _sum_steps_of LAYER…: hashes the steps that their ledgers name
_sum_steps_of() {
    local layer rest refs=()
    for layer in "$@"; do
        ledger_path "$layer"
        [[ -f $REPLY ]] || continue
        while IFS= read -r rest; do
            rest=${rest#*$'\t'}
            rest=${rest%%$'\t'*}
            [[ ! $rest =~ $ref_pattern ]] || refs+=("$rest")
        done <"$REPLY"
    done
    sum_steps "${refs[@]}"
}

# _run_ended LAYER: reports a run that did not complete the layer; status 1 while one works on it: what its steps say
# then is not how it ends.
_run_ended() {
    local begun=$GPU_METAL_HOME/begun/$1
    if [[ -e $begun ]] && at_work; then
        _row "$1" run broken "a run goes on here: $REPLY. Fix: wait for its end, then again"
        return 1
    fi
    [[ ! -e $begun ]] || _row "$1" run drift "a run began on $(<"$begun") and did not complete this layer. \
Fix: sitectl drift --record, then pulumi up."
}

_check_refs() { # LAYER ID LINE: a step file that is lost or changed is a row, one a layer, and does not end the run
    local message ref
    ref_of "$3"
    ref=$REPLY
    step_file "$ref"
    # It is hashed. Only a file that is lost or changed costs processes: for the message.
    if is_right "${sum_of[$REPLY]-}" "$REPLY"; then return 0; fi
    message=$(verify_refs "$ref" 2>&1) && return
    [[ -n ${library_told[$1]-} ]] || _row "$1" library drift "${message#*"] "}"
    library_told[$1]=yes
    return 1
}

# try_layer LAYER: runs the checks of the steps in this call; reads no ledger
try_layer() {
    local id refs=()
    for id in "${step_ids[@]}"; do
        ref_of "${step_line[$id]}"
        refs+=("$REPLY")
    done
    verify_refs "${refs[@]}"
    report_layers=("$1")
    for id in "${step_ids[@]}"; do
        _check_line "$1" "$id" "${step_line[$id]}"
    done
    _print_report
}

_print_report() {
    if [[ -n $json ]]; then _print_json; else _print_table; fi
    [[ $all_hold == yes ]] || exit 1
}

_print_table() {
    local row line
    for ((row = 0; row < ${#report[@]}; row += 4)); do
        printf -v line '%-12s %-24s %-7s' "${report[@]:row:3}"
        answer "$line${report[row + 3]:+ ${report[row + 3]}}"
    done
    [[ ${#report_layers[@]} -gt 0 ]] || answer "Nothing was applied here."
}

# _owner_json: who has this host, null when nobody said so
_owner_json() {
    local key words=() text='' index=0
    [[ ! -s $GPU_METAL_HOME/owner ]] || read -ra words <"$GPU_METAL_HOME/owner" || true
    for key in project stack site state since; do
        json_string "${words[index++]-}"
        text+=", \"$key\": $REPLY"
    done
    if [[ ${#words[@]} -ge 5 ]]; then printf '{%s}' "${text:2}"; else printf null; fi
}

_print_json() {
    local layer row ok=false between
    [[ $all_hold != yes ]] || ok=true
    json_string "$host"
    printf '{"host": %s, "ok": %s, "owner": %s, "layers": [' "$REPLY" "$ok" "$(_owner_json)"
    between=
    for layer in "${report_layers[@]}"; do
        printf '%s\n {"layer": "%s", "steps": [' "$between" "$layer"
        between=
        for ((row = 0; row < ${#report[@]}; row += 4)); do
            [[ ${report[row]} == "$layer" ]] || continue
            short "${report[row + 3]}" 2000
            json_string "$REPLY"
            # shellcheck disable=SC2183  # the step's id and status need no escaping
            printf '%s\n  {"step": "%s", "status": "%s", "says": %s}' "$between" "${report[@]:row+1:2}" "$REPLY"
            between=,
        done
        printf ']}'
        between=,
    done
    printf ']}\n'
}
