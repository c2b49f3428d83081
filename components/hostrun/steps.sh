# shellcheck shell=bash disable=SC2034,SC2154  # the parts of runner.sh share their variables
# Runs the functions of steps, and reports their results.

declare -A bulk_text=()   # by SHA-256: the bulk inputs of this run
declare -A secret_text=() # by "id key"
declare -A sum_of=()      # by path, after sum_all: SHA-256 of the step files and the stored bulk inputs

# step_file REF → REPLY
step_file() { REPLY=$GPU_METAL_HOME/library/${1%%'#'*}.sh; }

# sum_all: reads them all at once, for a run that changes none of them
sum_all() {
    local sum file
    while read -r sum file; do
        sum_of[$file]=$sum
    done < <(sha256sum -- "$GPU_METAL_HOME"/library/*.sh "$GPU_METAL_HOME"/inputs/* </dev/null)
}

# verify_refs REF…: checks that each file is in the library and has its digest, before anything is run
verify_refs() {
    local ref files=() sum file
    [[ $# -gt 0 ]] || return 0
    for ref in "$@"; do
        step_file "$ref"
        [[ -f $REPLY ]] || fail step-digest "$ref is not in this host's library. Nothing was run. Fix: sitectl drift \
--record, then pulumi up, with the release that $ref is of."
        files+=("$REPLY")
    done
    while read -r sum file; do
        is_right "$sum" "$file" || fail step-digest "$file has SHA-256 ${sum:0:12}, wanted $REPLY. Nothing was run. Fix: \
find out who changed it; then sitectl drift --record, then pulumi up."
    done < <(sha256sum -- "${files[@]}")
}

# is_right SUM FILE: has the step file this SHA-256? → REPLY: the digest in its name
is_right() {
    REPLY=${2##*@}
    REPLY=${REPLY%.sh}
    [[ $1 == "$REPLY"* ]]
}

has_function() { # REF NAME
    step_file "$1"
    [[ $'\n'$(<"$REPLY") == *$'\n'"$2()"* ]]
}

# _load_bulk LINE → array gm_bulk: from what was sent, else from this host's store
_load_bulk() {
    local word sum text
    gm_bulk=()
    words bulk "$1"
    for word in "${REPLY_WORDS[@]}"; do
        sum=${word#*=}
        if [[ -n ${bulk_text[$sum]+sent} ]]; then
            text=${bulk_text[$sum]}
        elif [[ -f $GPU_METAL_HOME/inputs/$sum ]]; then
            text=$(<"$GPU_METAL_HOME/inputs/$sum")
            [[ ${sum_of["$GPU_METAL_HOME/inputs/$sum"]-$(printf '%s\n' "$text" | sha256sum)} == "$sum"* ]] || continue
        else
            continue
        fi
        gm_bulk+=("${word%%=*}=$text")
    done
}

# keep_bulk LINE: stores its bulk inputs for later checks and for undo
keep_bulk() {
    local word sum error
    words bulk "$1"
    for word in "${REPLY_WORDS[@]}"; do
        sum=${word#*=}
        [[ -n ${bulk_text[$sum]+sent} ]] || continue
        error=$(printf '%s\n' "${bulk_text[$sum]}" | write_file "$GPU_METAL_HOME/inputs/$sum" 0600 2>&1) ||
            fail ledger "$GPU_METAL_HOME/inputs cannot be written: ${error##*: }. $(cause "$error")"
    done
}

# _declarations FUNCTION LAYER LINE: what child.sh reads from stdin
_declarations() {
    local gm_verb=$verb gm_function=$1 gm_layer=$2 gm_step gm_file key
    local -a gm_inputs gm_previous=() gm_bulk gm_secrets=()
    ref_of "$3"
    step_file "$REPLY"
    gm_file=$REPLY
    ref_of "$3"
    id_of "$REPLY"
    gm_step=$REPLY
    words in "$3"
    gm_inputs=("${REPLY_WORDS[@]}")
    if [[ -n ${line_done[$gm_step]-} ]]; then
        words in "${line_done[$gm_step]}"
        gm_previous=("${REPLY_WORDS[@]}")
    fi
    _load_bulk "$3"
    if [[ $gm_function == apply ]]; then
        for key in "${!secret_text[@]}"; do
            [[ ${key% *} != "$gm_step" ]] || gm_secrets+=("${key##* }=${secret_text[$key]}")
        done
    fi
    declare -p gm_verb gm_function gm_layer gm_step gm_file gm_inputs gm_previous gm_bulk gm_secrets
}

_child() { # SECONDS: the child, its declarations on stdin
    timeout --kill-after=10 "$1" bash "$code/child.sh"
}

# how_ended STATUS STARTED LIMIT → REPLY: how a function of a step failed. Only the time tells: a program in it may end
# with the status of a time limit of its own, and the kernel kills what has no memory.
how_ended() {
    now
    if [[ $1 == 124 || $1 == 137 ]] && (($3 > 0 && REPLY - $2 >= $3 * 100)); then
        REPLY="did not end within $3 s"
    elif [[ $1 == 137 ]]; then
        REPLY="was killed: by hand, or because this host ran out of memory (then journalctl -k -g 'out of memory' says so)"
    else
        REPLY="ended with status $1"
    fi
}

last_lines() {
    printf '%s\n' "$1" | tail -n 12 | cut -b "-$line_limit" | tail -c 2000
}

# _mask ID MARK: stdin to stdout without secrets and blank lines, up to the line MARK. What the step says at once
# (lib.sh, remark) goes to the operator, too.
_mask() {
    local key line lines hidden=()
    for key in "${!secret_text[@]}"; do
        [[ ${key% *} == "$1" ]] || continue
        mapfile -t lines < <(printf '%s\n' "${secret_text[$key]}")
        for line in "${lines[@]}"; do
            # The short lines of a long secret ("}", "--") are not secret; masking them would garble every message.
            [[ -z $line || (${#line} -lt 6 && ${#lines[@]} -gt 1) ]] || hidden+=("$line")
        done
    done
    if [[ ${#hidden[@]} -eq 0 ]]; then
        sed -u -n -e "/^$2\$/q" -e '/^\x02/{s///;w /dev/fd/7' -e '}' -e '/./p' 7> >(_relay "$1")
        return
    fi
    # sed reads its script from a pipe: nothing of it is in argv or in a file. The longest first: one may be part of another.
    sed -u -n -f <(
        printf '/^%s$/q\n' "$2"
        for line in "${hidden[@]}"; do
            printf '%08d %s\n' "${#line}" "$line"
        done | sort -r | cut -d ' ' -f 2- | sed 's/[][\/.*^$]/\\&/g; s/.*/s\/&\/•••\/g/'
        printf '/^\\x02/{s///;w /dev/fd/7\n}\n/./p\n'
    ) 7> >(_relay "$1")
}

# _relay ID: prints stdin's lines as the step's. Outlives its reader: without it the step's own output would break.
_relay() {
    local line
    trap '' PIPE
    while IFS= read -r line; do say "$host [$1] $line"; done
}

# _limit_of FILE → REPLY: seconds that its apply and undo have: 900, or what its line `# limit: SECONDS` says
_limit_of() {
    REPLY=900
    if [[ -n ${GPU_METAL_STEP_TIMEOUT-} ]]; then
        REPLY=$GPU_METAL_STEP_TIMEOUT
    elif [[ $(<"$1") =~ $'\n# limit: '([0-9]+)$'\n' ]]; then
        REPLY=${BASH_REMATCH[1]}
    fi
}

# run_logged FUNCTION LAYER LINE → the function's status; its output goes to the step's log, path in REPLY; how it failed,
# in step_end
run_logged() {
    local layer=$2 id log status=0 mark error started
    ref_of "$3"
    step_file "$REPLY"
    _limit_of "$REPLY"
    step_limit=$REPLY
    ref_of "$3"
    id_of "$REPLY"
    id=$REPLY
    log=$GPU_METAL_HOME/log/$layer/$id.log
    error=$({ mkdir -p -- "${log%/*}" && : >"$log"; } 2>&1) ||
        fail ledger "$log cannot be written: ${error##*: }. $(cause "$error")"
    # The mark ends the log: a daemon that the step left behind may hold the pipe open for ever.
    mark=end-$$-$RANDOM$RANDOM$RANDOM
    now
    started=$REPLY
    {
        _child "$step_limit" < <(_declarations "$1" "$layer" "$3") 2>&1 || status=$?
        printf '\n%s\n' "$mark"
        exit "$status"
    } | _mask "$id" "$mark" >"$log" 9>&- || status=$?
    how_ended "$status" "$started" "$step_limit"
    step_end=$REPLY
    REPLY=$log
    return "$status"
}
