# shellcheck shell=bash disable=SC2034,SC2154  # the parts of runner.sh share their variables
# Output: short lines of valid UTF-8 (a plugin crashes on other bytes, and hangs on very long lines), and JSON.

readonly line_limit=4096
told= # whether a fault was said

# utf8 TEXT → REPLY: TEXT with every byte that is not UTF-8 replaced. Works on bytes (LC_ALL=C).
utf8() {
    local text=$1 valid
    REPLY=$text
    [[ $text == *[![:ascii:]]* ]] || return 0
    valid=$'^([\x01-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]'
    valid+=$'|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}'
    valid+=$'|\xf4[\x80-\x8f][\x80-\xbf]{2})+'
    REPLY=
    while [[ -n $text ]]; do
        if [[ $text =~ $valid ]]; then
            REPLY+=${BASH_REMATCH[0]}
            text=${text:${#BASH_REMATCH[0]}}
        else
            REPLY+=$'\xef\xbf\xbd'
            text=${text:1}
        fi
    done
}

# clock → REPLY: the time, as 2026-11-29T21:40:12Z
clock() { TZ=UTC printf -v REPLY '%(%FT%TZ)T' -1; }

# short TEXT [BYTES] → REPLY: the first BYTES of TEXT, with a mark where it was cut.
short() {
    local limit=${2:-$((line_limit - 8))} text=$1
    ((${#text} <= limit)) || text="${text:0:limit}…"
    utf8 "$text"
}

# Go on when the reader is gone (a lost SSH connection).
say() {
    short "$1"
    printf '%s\n' "$REPLY" >&2 || true
}

answer() {
    short "$1"
    printf '%s\n' "$REPLY" 2>/dev/null || true
}

# fault ID TEXT: prints `✗ HOST [ID] TEXT`. A run that holds the lock notes its first one, for those who ask later.
fault() {
    say "✗ $host [$1] $2"
    told=yes
    [[ -n ${lock_since-} && ! -e $GPU_METAL_HOME/fault ]] || return 0
    printf '%s\n' "$1" "$2" 2>/dev/null >"$GPU_METAL_HOME/fault" || true
}

# fail ID TEXT: a fault that ends this run
fail() {
    fault "$1" "$2"
    exit 1
}

# ended: at the exit of a run that changes this host. A command that failed where none was expected to is named, too; its
# own message is in the line above. Status 3: left alone (remove).
ended() {
    local status=$?
    [[ $status -eq 0 || $status -eq 3 || -n $told ]] ||
        fault runner "the run ended with status $status, for the reason above. Fix: mend that, then run again: it goes on from here."
}

usage() {
    say "✗ $host [call] $1"
    exit 2
}

# json_string TEXT → REPLY: TEXT as a JSON string.
json_string() {
    local code char
    utf8 "$1"
    REPLY=${REPLY//\\/\\\\}
    REPLY=${REPLY//'"'/'\"'}
    if [[ $REPLY == *[[:cntrl:]]* ]]; then
        for code in {1..31}; do
            printf -v char '\\x%02x' "$code"
            printf -v char '%b' "$char"
            printf -v code '\\u%04x' "$code"
            REPLY=${REPLY//"$char"/"$code"}
        done
    fi
    REPLY="\"$REPLY\""
}

# json_or_null TEXT → REPLY
json_or_null() {
    REPLY=null
    [[ -z $1 ]] || json_string "$1"
}
