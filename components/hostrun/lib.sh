# shellcheck shell=bash
# What a step may use. Sourced by child.sh, which has read what the step was given:
# gm_inputs, gm_previous, gm_bulk, gm_secrets (arrays of KEY=text), gm_layer, gm_step, gm_function.
# shellcheck disable=SC2154  # they come by stdin

# _given ARRAY KEY → REPLY; status 1 when KEY is not in it
_given() {
    local -n _array=$1
    local _word
    for _word in "${_array[@]}"; do
        if [[ ${_word%%=*} == "$2" ]]; then
            REPLY=${_word#*=}
            return 0
        fi
    done
    return 1
}

_missing() {
    printf '%s\n' "$1" >&2
    return 1
}

# input KEY [DEFAULT]: a public input
input() {
    if ! _given gm_inputs "$1"; then
        [[ $# -gt 1 ]] || _missing "step $gm_step was not given the input $1" || return
        REPLY=$2
    fi
    printf '%s\n' "$REPLY"
}

# inputs: all key=value, one per line
inputs() {
    [[ ${#gm_inputs[@]} -eq 0 ]] || printf '%s\n' "${gm_inputs[@]}"
}

# previous KEY [DEFAULT]: the input's value at the last successful apply; empty, or DEFAULT, when there was none
previous() {
    _given gm_previous "$1" || REPLY=${2-}
    printf '%s\n' "$REPLY"
}

# bulk KEY: a long public input, ending in a newline
bulk() {
    _given gm_bulk "$1" || _missing "step $gm_step has no bulk $1: it was not sent, and is not kept on this host" || return
    printf '%s\n' "$REPLY"
}

# secret KEY: a secret, ending in a newline; apply only. Pass it on by a pipe, never as an argument or a here-document.
secret() {
    _given gm_secrets "$1" || _missing "step $gm_step has no secret $1 in $gm_function (secrets go to apply only)" || return
    printf '%s\n' "$REPLY"
}

# untrue TEXT…: says what is untrue, with what was seen and wanted, and ends check
untrue() {
    # The line that begins with the mark tells the runner where the text begins among other output.
    printf '\n\001%s\n' "$*" >&2
    exit 10
}

_kept_path() {
    local name=${1//'%'/'%25'}
    REPLY=$GPU_METAL_HOME/kept/$gm_layer/$gm_step/${name//'/'/'%2F'}
}

# kept PATH: has keep saved something for PATH?
kept() {
    _kept_path "$1"
    [[ -d $REPLY ]]
}

# keep PATH: saves the original of a file or link (or that there was none), once
keep() {
    local path=$1 place missing='' folder
    kept "$path" && return 0
    _kept_path "$path"
    place=$REPLY
    rm -rf -- "$place.new" || return
    mkdir -p -- "$place.new" || return
    if [[ -d $path && ! -L $path ]]; then
        _missing "keep $path: it is a folder; keep saves files and links"
        return 1
    elif [[ -e $path || -L $path ]]; then
        cp -a -- "$path" "$place.new/original" || return
    else
        # The folders that will be made for it go again with it.
        folder=$(dirname -- "$path")
        while [[ ! -e $folder ]]; do
            missing=$folder
            folder=$(dirname -- "$folder")
        done
        printf '%s\n' "$missing" >"$place.new/absent" || return
    fi
    [[ -L $place.new/original ]] || sync "$place.new"/* || return
    sync "$place.new" && mv -T -- "$place.new" "$place" && sync "$(dirname -- "$place")"
}

# restore PATH: puts back what keep saved, removes PATH when there was none. Nothing when keep saved nothing.
restore() {
    local path=$1 place folder fresh
    kept "$path" || return 0
    _kept_path "$path"
    place=$REPLY
    folder=$(dirname -- "$path")
    if [[ -f $place/absent ]]; then
        _remove_with_folders "$path" "$(<"$place/absent")" || return
    else
        (umask 022 && mkdir -p -- "$folder") || return
        fresh=$folder/.$(basename -- "$path").gpu-metal
        rm -f -- "$fresh" && cp -a -- "$place/original" "$fresh" || return
        [[ -L $fresh ]] || sync "$fresh" || return
        mv -T -- "$fresh" "$path" && sync "$folder" || return
    fi
    rm -rf -- "$place"
}

_remove_with_folders() {
    local path=$1 first=$2 folder
    if [[ -d $path && ! -L $path ]]; then
        rmdir --ignore-fail-on-non-empty -- "$path"
    else
        rm -f -- "$path"
    fi || return
    [[ -n $first ]] || return 0
    folder=$(dirname -- "$path")
    while [[ $folder == "$first" || $folder == "$first"/* ]]; do
        # What others put there stays, and with it the folder.
        rmdir -- "$folder" 2>/dev/null || [[ ! -e $folder ]] || return 0
        folder=$(dirname -- "$folder")
    done
}

# verb: what the runner was asked for: apply, undo, remove, check …
verb() { printf '%s\n' "$gm_verb"; }

# os_id: debian, ubuntu, rhel … · os_version: 12, 24.04 … · os_codename: bookworm, noble …
os_id() { printf '%s\n' "$_os_id"; }
os_codename() { printf '%s\n' "$_os_codename"; }
os_version() { printf '%s\n' "$_os_version"; }

_os_id='' _os_version='' _os_codename='' _os_like=''
while IFS='=' read -r _key _value; do
    _value=${_value//[\"\']/}
    case $_key in
        ID) _os_id=$_value ;;
        VERSION_ID) _os_version=$_value ;;
        VERSION_CODENAME) _os_codename=$_value ;;
        ID_LIKE) _os_like=$_value ;;
    esac
done </etc/os-release

# The verbs of this host's package manager: pkg_install, pkg_installed, pkg_hold … One file per family.
case " $_os_id $_os_like " in
    *" debian "*)
        # shellcheck source=os/debian.sh
        . "${BASH_SOURCE[0]%/*}/os/debian.sh"
        ;;
esac
