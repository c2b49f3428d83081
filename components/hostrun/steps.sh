# shellcheck shell=bash disable=SC2034,SC2154  # the parts of runner.sh share their variables
# Runs the functions of steps, and reports their results.

declare -A bulk_text=()   # by SHA-256: the bulk inputs of this run
declare -A bulk_kept=()   # by SHA-256: of them, those that keep_bulk has stored
declare -A secret_text=() # by "id key"
declare -A sum_of=()      # by path, after sum_files: SHA-256 of the step files and the stored bulk inputs

# step_file REF → REPLY
step_file() { REPLY=$GPU_METAL_HOME/library/${1%%'#'*}.sh; }

# sum_files FILE…: hashes them all at once. Later in its run, verify_refs takes what was right then as right.
sum_files() {
    local - text line IFS=$'\n'
    [[ $# -gt 0 ]] || return 0
    set -o noglob
    # Not `read` from the pipe: it takes one byte a call.
    text=$(sha256sum -- "$@" 2>/dev/null) || true
    for line in $text; do sum_of[${line#*  }]=${line%% *}; done
}

# sum_steps REF…: the same for their step files, where they are there, and for all kept bulk inputs
sum_steps() {
    local ref files=("$GPU_METAL_HOME"/inputs/*)
    local -A seen=()
    for ref in "$@"; do
        step_file "$ref"
        [[ -n ${seen[$REPLY]-} || ! -f $REPLY ]] || files+=("$REPLY")
        seen[$REPLY]=yes
    done
    sum_files "${files[@]}"
}

# verify_refs REF…: checks that each file is in the library and has its digest, before anything is run
verify_refs() {
    local ref file sum files=()
    for ref in "$@"; do
        step_file "$ref"
        [[ -f $REPLY ]] || fail step-digest "$ref is not in this host's library. Nothing was run. Fix: sitectl drift \
--record, then pulumi up, with the release that $ref is of."
        file=$REPLY
        is_right "${sum_of[$file]-}" "$file" || files+=("$file")
    done
    sum_files "${files[@]}"
    for file in "${files[@]}"; do
        sum=${sum_of[$file]-}
        is_right "$sum" "$file" || fail step-digest "$file has SHA-256 ${sum:0:12}, wanted $REPLY. Nothing was run. Fix: \
find out who changed it; then sitectl drift --record, then pulumi up."
    done
}

# is_right SUM FILE: has the step file this SHA-256? → REPLY: the digest in its name
is_right() {
    REPLY=${2##*@}
    REPLY=${REPLY%.sh}
    [[ $1 == "$REPLY"* ]]
}

has_function() { # REF NAME
    step_file "$1"
    read_file "$REPLY"
    [[ $'\n'$REPLY == *$'\n'"$2()"* ]]
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
            read_file "$GPU_METAL_HOME/inputs/$sum"
            text=${REPLY%$'\n'}
            [[ ${sum_of["$GPU_METAL_HOME/inputs/$sum"]-$(printf '%s\n' "$text" | sha256sum)} == "$sum"* ]] || continue
        else
            continue
        fi
        gm_bulk+=("${word%%=*}=$text")
    done
}

# keep_bulk LINE: stores its bulk inputs for later checks and for undo
keep_bulk() {
    local word sum
    words bulk "$1"
    for word in "${REPLY_WORDS[@]}"; do
        sum=${word#*=}
        [[ -n ${bulk_text[$sum]+sent} && -z ${bulk_kept[$sum]-} ]] || continue
        record "$GPU_METAL_HOME/inputs/$sum" "${bulk_text[$sum]}"
        bulk_kept[$sum]=yes
    done
}

# _declarations FUNCTION LAYER LINE → REPLY: what child.sh reads from stdin
_declarations() {
    local step file key text
    local -a gm_bulk gm_secrets=()
    ref_of "$3"
    step_file "$REPLY"
    file=$REPLY
    ref_of "$3"
    id_of "$REPLY"
    step=$REPLY
    printf -v text '%s=%q\n' gm_verb "$verb" gm_function "$1" gm_layer "$2" gm_step "$step" gm_file "$file"
    words in "$3"
    _declare gm_inputs "${REPLY_WORDS[@]}"
    REPLY_WORDS=()
    [[ -z ${line_done[$step]-} ]] || words in "${line_done[$step]}"
    _declare gm_previous "${REPLY_WORDS[@]}"
    _load_bulk "$3"
    _declare gm_bulk "${gm_bulk[@]}"
    if [[ $1 == apply ]]; then
        for key in "${!secret_text[@]}"; do
            [[ ${key% *} != "$step" ]] || gm_secrets+=("${key##* }=${secret_text[$key]}")
        done
    fi
    _declare gm_secrets "${gm_secrets[@]}"
    REPLY=$text
}

# _declare ARRAY WORD…: adds the array to `text`
_declare() {
    local quoted=
    [[ $# -eq 1 ]] || printf -v quoted '%q ' "${@:2}"
    text+="$1=($quoted)"$'\n'
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
# (lib.sh, remark) goes to the operator, too. Ends this process: for a pipe's end only.
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
        exec sed -u -n -e "/^$2\$/q" -e '/^\x02/{s///;w /dev/fd/7' -e '}' -e '/./p' 7> >(_relay "$1")
    fi
    # sed reads its script from a pipe: nothing of it is in argv or in a file. The longest first: one may be part of another.
    exec sed -u -n -f <(
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

# _limit_of FILE LINE → REPLY: seconds that its apply and undo have: what its input `limit` says, else its line
# `# limit: SECONDS`, else 900
_limit_of() {
    if [[ -n ${GPU_METAL_STEP_TIMEOUT-} ]]; then
        REPLY=$GPU_METAL_STEP_TIMEOUT
        return
    fi
    words in "$2"
    if [[ " ${REPLY_WORDS[*]} " =~ ' limit='([0-9]+)' ' ]]; then
        REPLY=${BASH_REMATCH[1]}
        return
    fi
    read_file "$1"
    if [[ $REPLY =~ $'\n# limit: '([0-9]+)$'\n' ]]; then REPLY=${BASH_REMATCH[1]}; else REPLY=900; fi
}

# run_logged FUNCTION LAYER LINE → the function's status; its output goes to the step's log, path in REPLY; how it failed,
# in step_end
run_logged() {
    local layer=$2 id log status=0 mark error started
    ref_of "$3"
    step_file "$REPLY"
    _limit_of "$REPLY" "$3"
    step_limit=$REPLY
    ref_of "$3"
    id_of "$REPLY"
    id=$REPLY
    log=$GPU_METAL_HOME/log/$layer/$id.log
    { : >"$log"; } 2>/dev/null || error=$({ mkdir -p -- "${log%/*}" && : >"$log"; } 2>&1) ||
        fail ledger "$log cannot be written: ${error##*: }. $(cause "$error")"
    # The mark ends the log: a daemon that the step left behind may hold the pipe open for ever.
    mark=end-$$-$RANDOM$RANDOM$RANDOM
    now
    started=$REPLY
    _declarations "$1" "$layer" "$3"
    {
        _child "$step_limit" < <(printf '%s' "$REPLY") 2>&1 || status=$?
        printf '\n%s\n' "$mark"
        exit "$status"
    } | _mask "$id" "$mark" >"$log" 9>&- || status=$?
    how_ended "$status" "$started" "$step_limit"
    step_end=$REPLY
    REPLY=$log
    return "$status"
}
