# shellcheck shell=bash disable=SC2034,SC2154  # the parts of runner.sh share their variables
# What was applied: ledger/LAYER, one line per step, tab-separated: id, name@digest[#label], state, then in:KEY=VALUE and
# bulk:KEY=SHA256. A first and a last line frame them, so that a truncated file is noticed. state is `done`, or `begun`
# for an apply that has not succeeded yet, so that its leftovers can be undone too.
# A step in memory is its line without the id and the state: `ref<TAB>word<TAB>word…`, words escaped.

readonly ledger_schema=1
readonly layer_pattern='^[a-z0-9][a-z0-9.-]*$'
readonly ref_pattern='^[a-z0-9_-]+@[0-9a-f]{12}(#[A-Za-z0-9][A-Za-z0-9._:@=+-]*)?$'
declare -A line_done=() line_begun=() # by id
declare -a ledger_order=()            # ids, in order of application
ledger_fault=                         # why the ledger cannot be trusted
ledger_saved=                         # the text of the file

# escape TEXT → REPLY, unescape TEXT → REPLY: a value as one word of a line
escape() {
    REPLY=${1//\\/\\\\}
    REPLY=${REPLY//$'\t'/'\t'}
    REPLY=${REPLY//$'\n'/'\n'}
}

unescape() {
    # Every backslash is doubled, so %b sees no other sequence than these three.
    printf -v REPLY '%b' "$1"
}

# words PREFIX LINE → array REPLY_WORDS: the KEY=VALUE of the words in:… or bulk:…
words() {
    local word rest=$2
    REPLY_WORDS=()
    while [[ $rest == *$'\t'* ]]; do
        rest=${rest#*$'\t'}
        word=${rest%%$'\t'*}
        [[ $word == "$1:"* ]] || continue
        unescape "${word#"$1:"}"
        REPLY_WORDS+=("$REPLY")
    done
}

ref_of() { REPLY=${1%%$'\t'*}; }

# id_of REF → REPLY: name[#label]
id_of() {
    REPLY=${1%%@*}
    [[ $1 != *'#'* ]] || REPLY+="#${1#*'#'}"
}

ledger_path() { REPLY=$GPU_METAL_HOME/ledger/$1; }

# read_ledger LAYER: fills the tables above. A truncated or malformed ledger gives empty tables and ledger_fault;
# status 1 when a newer gpu-metal wrote it.
read_ledger() {
    local lines index
    line_done=() line_begun=() ledger_order=() ledger_fault='' ledger_saved=''
    ledger_path "$1"
    [[ -e $REPLY ]] || return 0
    mapfile -t lines <"$REPLY"
    [[ ${#lines[@]} -gt 0 ]] || lines=("")
    if [[ ${lines[0]} =~ ^gpu-metal\ ledger\ ([0-9]+)$ ]] && ((BASH_REMATCH[1] > ledger_schema)); then
        ledger_fault="was written by a newer gpu-metal (schema ${BASH_REMATCH[1]}; this one knows $ledger_schema)"
        return 1
    fi
    if [[ ${lines[0]} != "gpu-metal ledger $ledger_schema" || ${lines[-1]} != "end $((${#lines[@]} - 2))" ]]; then
        ledger_fault="is cut short or not a ledger"
        return 0
    fi
    for ((index = 1; index < ${#lines[@]} - 1; index++)); do
        if ! _read_line "${lines[index]}"; then
            line_done=() line_begun=() ledger_order=() ledger_fault="has an odd line $((index + 1))"
            return 0
        fi
    done
    _ledger_text
    ledger_saved=$REPLY
}

_read_line() {
    local id ref state rest
    [[ $1 == *$'\t'*$'\t'* ]] || return
    id=${1%%$'\t'*} rest=${1#*$'\t'}
    ref=${rest%%$'\t'*} rest=${rest#*$'\t'}
    state=${rest%%$'\t'*} rest=${rest#"$state"}
    id_of "$ref"
    [[ $id == "$REPLY" && $ref =~ $ref_pattern ]] || return
    [[ -n ${line_done[$id]-}${line_begun[$id]-} ]] || ledger_order+=("$id")
    case $state in
        done) line_done[$id]=$ref$rest ;;
        begun) line_begun[$id]=$ref$rest ;;
        *) return 1 ;;
    esac
}

# _ledger_text → REPLY
_ledger_text() {
    local id text count=0
    text="gpu-metal ledger $ledger_schema"$'\n'
    for id in "${ledger_order[@]}"; do
        _ledger_line "$id" "done" "${line_done[$id]-}"
        _ledger_line "$id" begun "${line_begun[$id]-}"
    done
    REPLY="${text}end $count"
}

_ledger_line() {
    [[ -n $3 ]] || return 0
    ref_of "$3"
    text+=$1$'\t'$REPLY$'\t'$2${3#"$REPLY"}$'\n'
    ((++count))
}

# record PATH TEXT [later]: writes a file of the runner's own, synced; TEXT gets a line end. With `later`, a power cut may
# bring the former file back.
record() {
    local error
    write_text "$1" 0600 "$2"$'\n' "${3-}" 2>/dev/null && return
    # Once more, for what it says
    error=$(write_text "$1" 0600 "$2"$'\n' "${3-}" 2>&1) || fail ledger "$1 cannot be written: ${error##*: }. $(cause "$error")"
}

# save_ledger LAYER [later]: writes the ledger whole and synced; leaves it untouched when nothing changed. `later` is for
# the end of a step, which the next beginning or end_layer syncs: until then, the step counts as begun.
save_ledger() {
    local text
    _ledger_text
    text=$REPLY
    [[ $text != "$ledger_saved" ]] || return 0
    ledger_path "$1"
    record "$REPLY" "$text" "${2-}"
    ledger_saved=$text
}

# begin_layer LAYER, end_layer LAYER: between them the layer counts as incomplete, even if all its steps hold. Otherwise
# nobody would notice a failed run whose edit of the site was then reverted.
begin_layer() {
    local path=$GPU_METAL_HOME/begun/$1
    [[ ! -e $path ]] || return 0
    [[ -d $GPU_METAL_HOME/begun ]] || mkdir -p -- "$GPU_METAL_HOME/begun"
    clock
    record "$path" "$REPLY"
}

end_layer() {
    [[ -e $GPU_METAL_HOME/begun/$1 ]] || return 0
    rm -f -- "$GPU_METAL_HOME/begun/$1"
    sync "$GPU_METAL_HOME/ledger" "$GPU_METAL_HOME/begun"
}

# keep_broken_ledger LAYER: moves it aside, so that it is not lost
keep_broken_ledger() {
    ledger_path "$1"
    mkdir -p -- "$GPU_METAL_HOME/broken"
    mv -T -- "$REPLY" "$GPU_METAL_HOME/broken/$1"
    say "! $host [ledger] the ledger of $1 $ledger_fault. All its steps are checked again. What steps that have left the \
site did here cannot be undone; the file is kept as $GPU_METAL_HOME/broken/$1."
}

# The layers in the order of their first apply; `remove` undoes them in reverse. What is no name in a damaged list is no
# layer, and one that has a ledger is there without the list.
layer_names() {
    local name listed=()
    REPLY_WORDS=()
    [[ ! -f $GPU_METAL_HOME/layers ]] || mapfile -t listed <"$GPU_METAL_HOME/layers"
    for name in "${listed[@]}"; do
        [[ ! $name =~ $layer_pattern ]] || REPLY_WORDS+=("$name")
    done
    for name in "$GPU_METAL_HOME"/ledger/*; do
        [[ -e $name ]] || continue
        name=${name##*/}
        [[ " ${REPLY_WORDS[*]} " == *" $name "* ]] || REPLY_WORDS+=("$name")
    done
}

_write_layers() {
    local text
    printf -v text '%s\n' "$@"
    record "$GPU_METAL_HOME/layers" "${text%$'\n'}"
}

add_layer() {
    layer_names
    [[ " ${REPLY_WORDS[*]} " == *" $1 "* ]] || _write_layers "${REPLY_WORDS[@]}" "$1"
}

# forget_layer LAYER: deletes the runner's records of a layer that is gone
forget_layer() {
    end_layer "$1"
    local name others=()
    ledger_path "$1"
    rm -f -- "$REPLY" "$GPU_METAL_HOME/waiting/$1"
    layer_names
    for name in "${REPLY_WORDS[@]}"; do
        [[ $name == "$1" ]] || others+=("$name")
    done
    if [[ ${#others[@]} -gt 0 ]]; then _write_layers "${others[@]}"; else rm -f -- "$GPU_METAL_HOME/layers"; fi
}

# drop_unused_inputs: deletes the bulk texts that no ledger names any more
drop_unused_inputs() {
    local file text used='' unused=()
    for file in "$GPU_METAL_HOME"/ledger/*; do
        read_file "$file"
        used+=$REPLY
    done
    for file in "$GPU_METAL_HOME"/inputs/*; do
        [[ ! -e $file || $used == *"=${file##*/}"* ]] || unused+=("$file")
    done
    [[ ${#unused[@]} -eq 0 ]] || rm -f -- "${unused[@]}"
}
