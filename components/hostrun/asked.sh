# shellcheck shell=bash
# Runs programs that ask questions, such as vendors' installers, and answers only the agreed ones. Sourced by lib.sh.

# asked AGREED COMMAND…: runs COMMAND on a terminal of its own and prints its output. A question that matches the regex
# AGREED is answered with the word that it offers for yes, and is added to ANSWERED. Any other question (every one, when
# AGREED is empty) and any that speaks of deleting or overwriting is not answered: COMMAND is ended, ASKED holds the
# question, and the status is 3.
# Output counts as a question when it ends like one and no more follows for 3 s.
asked() {
    local agreed=$1 seen='' part='' quiet=0 status=0 read pid word
    ASKED='' ANSWERED=''
    # COMMAND first waits for a line: if it ended at once, the shell would close the coproc's ends before we copy them.
    coproc _asked_terminal { read -r && SHELL=/bin/bash exec script -qefc "$(printf '%q ' "${@:2}")" /dev/null; } 2>&1
    # The shell unsets these variables once the program has ended.
    # shellcheck disable=SC2154
    pid=$_asked_terminal_PID
    local from="${_asked_terminal[0]}" to="${_asked_terminal[1]}"
    exec {from}<&"$from" {to}>&"$to"
    printf '\n' >&"$to"
    while true; do
        read=0 part=''
        IFS= read -r -d '' -n 4096 -t 1 -u "$from" part || read=$?
        part=${part//$'\r'/}
        printf '%s' "$part"
        seen+=$part
        if ((read == 1)); then break; fi
        if [[ -n $part ]]; then quiet=0; else quiet=$((quiet + 1)); fi
        if ((quiet < 3)) || ! _is_question "$seen" "$pid"; then continue; fi
        if [[ -n $agreed && $REPLY =~ $agreed ]] && ! takes_away "$REPLY" && word=$(_word_for_yes "$REPLY"); then
            ANSWERED+=$REPLY$'\n'
            printf '%s\n' "$word" >&"$to"
            seen='' quiet=0
        else
            ASKED=$REPLY
            kill -- "$pid" 2>/dev/null || true
            break
        fi
    done
    exec {from}<&- {to}>&-
    wait "$pid" || status=$?
    if [[ -n $ASKED ]]; then return 3; fi
    return "$status"
}

# _is_question TEXT PID → REPLY: is TEXT's last line, in REPLY, a question? An unfinished line that ends in a colon may
# be mere progress: it counts only while a process waits for input.
_is_question() {
    local line
    line=$(printf '%s' "$1" | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g; /^[[:space:]]*$/d' | tail -n 1)
    REPLY=${line%"${line##*[![:space:]]}"}
    [[ $REPLY =~ (\?|[yY](es|ES)?[]\)/|][^a-z]*([nN][oO]?)?.?:?)$ ]] ||
        { [[ $1 != *$'\n' && $REPLY == *: ]] && _waits_for_input "$2"; }
}

# _waits_for_input PID: is a descendant of PID reading a terminal, judged by its current system call? Also true when the
# kernel does not show that call.
_waits_for_input() {
    local child call file children
    if [[ ! -r /proc/$$/task/$$/children || ! -r /proc/$$/syscall ]]; then return 0; fi
    read -ra children <"/proc/$1/task/$1/children" || true
    for child in "${children[@]}"; do
        if read -r call file _ 2>/dev/null <"/proc/$child/syscall" && [[ $call == "$(_number_of_read)" &&
        $(readlink "/proc/$child/fd/$((file))") == /dev/@(pts/*|tty*) ]]; then return 0; fi
        if _waits_for_input "$child"; then return 0; fi
    done
    return 1
}

_number_of_read() {
    case $(uname -m) in
        x86_64) printf 0 ;;
        aarch64) printf 63 ;;
        *) printf 3 ;;
    esac
}

# takes_away QUESTION: would a yes delete or overwrite something?
takes_away() { [[ ${1,,} =~ overwrit|delet|remov|eras|wipe|purg ]]; }

_word_for_yes() { grep -oiE '\b(yes|y)[]/|)]' <<<"$1" | head -n 1 | tr -d ']/|)'; }
