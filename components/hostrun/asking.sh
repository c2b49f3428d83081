# shellcheck shell=bash disable=SC2034,SC2154  # the parts of runner.sh share their variables
# Asks steps whether they hold, by one asker.sh for the whole run: a process and a dozen files for each check would cost
# more than most checks do.

# An asker outlives a runner that was killed, with a check that hangs: never longer than this, in seconds.
readonly asker_life=600
readonly asker_mark=ends-$$-$RANDOM$RANDOM
asker_once= # the folder for answers that hold for the whole run; empty where the run changes something
asker_pid=
asker_until=0 # in seconds of this shell

# run_check LAYER LINE → status 0 holds, 10 untrue, else broken; REPLY says what; if it holds, its last remark or nothing
run_check() {
    local output status started
    now
    started=$REPLY
    _declarations check "$1" "$2"
    _ask "$REPLY"
    output=$REPLY
    case $status in
        0) _last_remark "$output" ;;
        10) _untrue_text "$output" ;;
        *)
            how_ended "$status" "$started" "$check_timeout"
            short "check ${REPLY/#ended/broke}: $(last_lines "$output")" 2000
            ;;
    esac
    return "$status"
}

# _ask DECLARATIONS → REPLY: the last 16 KiB of what the check printed; sets `status`
_ask() {
    local text='' part end=$((SECONDS + check_timeout))
    _asker
    status=137 # as of a killed one: an asker that has ended answers nothing
    printf '%s\n%s' "${#1}" "$1" 1>&"$asker_in" 2>/dev/null || true
    while IFS= read -r -d '' -t $((end > SECONDS ? end - SECONDS : 1)) part <&"$asker_out"; do
        [[ $part != "$asker_mark "* ]] || break
        text+=$part
    done
    if [[ $part == "$asker_mark "* ]]; then
        status=${part#* }
    else
        ((SECONDS < end)) || status=124
        text+=$part
        _end_asker
    fi
    ((${#text} <= 16384)) || text=${text: -16384}
    REPLY=$text
}

# _asker: sees to it that one is there, and will be for the time of a check
_asker() {
    if [[ -n $asker_pid ]]; then
        ((SECONDS + check_timeout >= asker_until)) || return 0
        _end_asker
    fi
    asker_until=$((SECONDS + asker_life + check_timeout))
    # Without the run's lock (fd 9): a check changes nothing.
    coproc ASKER {
        exec timeout --kill-after=10 "$((asker_life + check_timeout))" bash "$code/asker.sh" "$asker_mark" "$asker_once" 2>&1 9>&-
    }
    # Bash closes its own two when the asker ends, with what is still to be read.
    # shellcheck disable=SC2153 # bash sets it
    asker_pid=$ASKER_PID
    exec {asker_out}<&"${ASKER[0]}"
    exec {asker_in}>&"${ASKER[1]}"
}

# _end_asker: with all that its check has begun, which timeout put into one process group
_end_asker() {
    exec {asker_out}<&-
    exec {asker_in}>&-
    kill -KILL -- "-$asker_pid" 2>/dev/null || true
    wait "$asker_pid" 2>/dev/null || true
    asker_pid=
}

_last_remark() { # OUTPUT → REPLY
    local text=${1##*$'\n\002'}
    REPLY=
    [[ $1 != *$'\n\002'* ]] || short "${text%%$'\n'*}" 2000
}

_untrue_text() { # OUTPUT → REPLY: what `untrue` printed
    local text=${1##*$'\n\001'}
    short "${text%$'\n'}" 2000
}
