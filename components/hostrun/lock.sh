# shellcheck shell=bash disable=SC2034,SC2154  # the parts of runner.sh share their variables
# One run changes this host at a time. The lock is flock's: it ends with its process and never by a timeout. The running
# step inherits fd 9 (child.sh keeps it), so the step of a killed runner still holds the lock.

take_lock() {
    local error staged
    _open_lock
    if ! flock -n 9; then
        say "$host [lock] waits for another run: $(_holder)"
        if ! flock -w "$lock_wait" 9; then
            say "✗ $host [lock] $(_holder), and did not end within $lock_wait s. Nothing was changed. Fix: wait for that \
run; if it hangs, 'ps' on this host shows it."
            exit 75
        fi
        # `remove` deletes the file, and a lock on a deleted file protects nothing.
        [[ /proc/self/fd/9 -ef $GPU_METAL_RUN/lock ]] || fail lock "gpu-metal was removed from here just now. Fix: run again."
    fi
    trap ended EXIT
    clock
    lock_since=$REPLY
    _who
    lock_user=$REPLY
    for staged in "$GPU_METAL_RUN"/.{write,once}.*; do
        # Delete what a killed run has left. The file that it was staging may hold a secret.
        [[ -d /proc/${staged##*.} ]] || rm -rf -- "$staged"
    done
    [[ -d $GPU_METAL_HOME/ledger && -d $GPU_METAL_HOME/inputs ]] ||
        error=$(mkdir -p -- "$GPU_METAL_HOME"/{ledger,inputs} 2>&1) ||
        fail ledger "$GPU_METAL_HOME cannot be written: ${error##*: }. $(cause "$error")"
    # Of an earlier run
    [[ ! -e $GPU_METAL_HOME/fault ]] || rm -f -- "$GPU_METAL_HOME/fault" 2>/dev/null || true
}

_open_lock() {
    local error
    { : 9<>"$GPU_METAL_RUN/lock"; } 2>/dev/null ||
        error=$({ mkdir -p -- "$GPU_METAL_RUN" && : 9<>"$GPU_METAL_RUN/lock"; } 2>&1) ||
        fail lock "$GPU_METAL_RUN/lock cannot be opened for writing: ${error##*: }. Nothing was changed. $(cause "$error")"
    exec 9<>"$GPU_METAL_RUN/lock"
}

# at_work: does a run hold the lock now? REPLY: what it does. For questions: writes nothing.
at_work() {
    [[ -r $GPU_METAL_RUN/lock ]] || return
    ! flock --shared --nonblock "$GPU_METAL_RUN/lock" true || return
    REPLY=$(_holder)
    REPLY=${REPLY%"${REPLY##*[![:space:]]}"}
}

# mark_lock TEXT: notes in the lock file what this run is doing, for runs that wait. Written in place and always of one
# length, so that nobody reads half of it.
mark_lock() {
    printf '%-400.400s\n' "held since $lock_since by $lock_user, $1" 2>/dev/null 1<>"$GPU_METAL_RUN/lock" ||
        fail lock "$GPU_METAL_RUN/lock cannot be written. $(cause "No space left on device")"
}

_holder() {
    local text=
    read -r text <"$GPU_METAL_RUN/lock" || true
    printf '%s' "${text:-held by a run that has not begun a step yet}"
}

# _who → REPLY: the user behind sudo, and the address the connection comes from
_who() {
    local pid=$PPID from=${ssh_connection%% *} user=$sudo_user word key value
    [[ -n $user ]] || user=$(id -un)
    # sudo takes SSH_CONNECTION away; the login shell above it still has it.
    while [[ -z $from && $pid -gt 1 && -r /proc/$pid/environ ]]; do
        # A process may end while it is read.
        while IFS= read -r -d '' word; do
            [[ $word != SSH_CONNECTION=* ]] || from=${word#*=} from=${from%% *}
        done 2>/dev/null <"/proc/$pid/environ" || true
        word=1
        while read -r key value; do
            [[ $key != PPid: ]] || word=$value
        done 2>/dev/null <"/proc/$pid/status" || true
        pid=$word
    done
    REPLY="$user${from:+ from $from}"
}

# note TEXT: who changed what, and when
note() {
    clock
    printf '%s %s %s\n' "$REPLY" "$lock_user" "$1" >>"$GPU_METAL_HOME/history" ||
        fail ledger "$GPU_METAL_HOME/history cannot be written. $(cause "No space left on device")"
}
