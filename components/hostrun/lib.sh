# shellcheck shell=bash
# Functions for every step; those that only steps of one room share are in that room's lib.sh (`# uses: ROOM`).
# Sourced by child.sh, which has read the step's inputs: gm_inputs, gm_previous, gm_bulk, gm_secrets (arrays of
# KEY=text), gm_layer, gm_step, gm_function.
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

# remark TEXT…: what people should know: in check, of a step that holds (pulumi up, verify and drift show it); in apply,
# of what goes on, such as why it takes so long; in undo, of what stays on the host (both shown at once)
remark() { printf '\n\002%s\n' "$*" >&2; }

# unit_log UNIT [ARGUMENT…]: the unit's log without dates. journald first reads what the unit wrote just before it ended.
unit_log() {
    journalctl --sync 2>/dev/null || true
    journalctl -u "$1" -o cat "${@:2}" 2>/dev/null || true
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

# kept_text PATH: what the file had when keep saved it; nothing when there was none
kept_text() {
    kept "$1" || return 0
    if [[ -f $REPLY/content ]]; then cat -- "$REPLY/content"; elif [[ -f $REPLY/original ]]; then cat -- "$REPLY/original"; fi
}

# keep PATH: saves the original of a file or link (or that there was none), once. Of a link that write_file writes
# through, also what it leads to.
keep() {
    local path=$1 place missing='' folder
    kept "$path" && return 0
    _kept_path "$path"
    place=$REPLY
    [[ ! -e $place.new ]] || rm -rf -- "$place.new" || return
    mkdir -p -- "$place.new" || return
    if [[ -d $path && ! -L $path ]]; then
        _missing "keep $path: it is a folder; keep saves files and links"
        return 1
    elif [[ -e $path || -L $path ]]; then
        cp -a -- "$path" "$place.new/original" || return
        written_place "$path" || return
        if [[ $REPLY != "$path" ]]; then
            cp -a -- "$REPLY" "$place.new/content" && printf '%s\n' "$REPLY" >"$place.new/target" || return
        fi
    else
        # Note the topmost folder that will be created for it: restore removes these folders too.
        folder=${path%/*}
        while [[ ! -e ${folder:-/} ]]; do
            missing=$folder
            folder=${folder%/*}
        done
        printf '%s\n' "$missing" >"$place.new/absent" || return
    fi
    _sync_all "$place.new"/* "$place.new" && mv -T -- "$place.new" "$place" && sync "${place%/*}"
}

# restore PATH: puts back what keep saved, or removes PATH when there was no original. Does nothing without a keep.
restore() {
    local path=$1 place
    kept "$path" || return 0
    _kept_path "$path"
    place=$REPLY
    if [[ -f $place/absent ]]; then
        _remove_with_folders "$path" "$(<"$place/absent")" || return
    elif [[ -f $place/content && -L $path && $(readlink -- "$path") == "$(readlink -- "$place/original")" ]]; then
        _put_saved "$place/content" "$(<"$place/target")" || return
    else
        _put_saved "$place/original" "$path" || return
    fi
    rm -rf -- "$place"
}

# _put_saved SAVED PATH
_put_saved() {
    local folder fresh
    folder=${2%/*}
    [[ -d ${folder:=/} ]] || (umask 022 && mkdir -p -- "$folder") || return
    fresh=$folder/.${2##*/}.gpu-metal
    [[ ! -e $fresh && ! -L $fresh ]] || rm -f -- "$fresh" || return
    cp -a -- "$1" "$fresh" && _sync_all "$fresh" && mv -T -- "$fresh" "$2" && sync "$folder"
}

# _sync_all PATH…: but for links, of which sync would follow
_sync_all() {
    local path paths=()
    for path in "$@"; do
        [[ -L $path ]] || paths+=("$path")
    done
    [[ ${#paths[@]} -eq 0 ]] || sync "${paths[@]}"
}

_remove_with_folders() {
    local path=$1 first=$2 folder
    if [[ -d $path && ! -L $path ]]; then
        rmdir --ignore-fail-on-non-empty -- "$path"
    else
        rm -f -- "$path"
    fi || return
    [[ -n $first ]] || return 0
    folder=${path%/*}
    while [[ $folder == "$first" || $folder == "$first"/* ]]; do
        # A folder stays when others have put something into it.
        rmdir -- "$folder" 2>/dev/null || [[ ! -e $folder ]] || return 0
        folder=${folder%/*}
    done
}

# reboot_due REASON: notes that a change takes effect only after a restart; the layer's last step, `reboot`, restarts.
reboot_due() {
    is_reboot_due "$1" || (umask 077 && printf '%s\n' "$1" >>"$GPU_METAL_RUN/reboot-due")
}

# is_reboot_due REASON: was it noted since this host last started?
is_reboot_due() { [[ -e $GPU_METAL_RUN/reboot-due ]] && grep -qxF -- "$1" "$GPU_METAL_RUN/reboot-due"; }

# verb: the runner's verb in this run: apply, undo, remove, check …
verb() { printf '%s\n' "$gm_verb"; }

# os_id: debian, ubuntu, rocky … · os_version: 12, 24.04, 9.4 … · os_family: debian, rhel
os_id() { printf '%s\n' "$_os_id"; }
os_version() { printf '%s\n' "$_os_version"; }
os_family() { printf '%s\n' "$_os_family"; }

# os_path KEY: a path, unit or command that has another name on each system, from the tables in os/
os_path() {
    _os_name "$1" || _missing "$1 has no name on $_os_id-$_os_version: os/*.names lacks it" || return
    printf '%s\n' "$REPLY"
}

# os_packages WORD…: `name` and `name=version` as they are, `@term` by this system's names; one a line
os_packages() {
    local word words
    for word in "$@"; do
        if [[ $word == @* ]]; then
            _os_name "$word" || _missing "$word is not a term of $_os_id-$_os_version. Fix: write the package's own name" || return
            word=$REPLY
            [[ $word != *'{kernel}'* ]] || word=${word//'{kernel}'/$(uname -r)}
        fi
        REPLY=$word
        _fill_family
        read -ra words <<<"$REPLY"
        [[ ${#words[@]} -eq 0 ]] || printf '%s\n' "${words[@]}"
    done
}

# os_text TEXT: with this host's {os}, {codename}, {version} (24.04, 12; of the RHEL family only the first number),
# {release} (2404, 12) and {arch} (as uname says it) filled in
os_text() {
    local text=${1//'{os}'/$_os_id} version=$_os_version
    [[ $_os_family != rhel ]] || version=${version%%.*}
    text=${text//'{codename}'/$_os_codename}
    text=${text//'{version}'/$version}
    text=${text//'{release}'/${version//./}}
    [[ $text != *'{arch}'* ]] || text=${text//'{arch}'/$(uname -m)}
    printf '%s\n' "$text"
}

# _os_name KEY → REPLY: from the most specific table that has it; status 1 when no table has it
_os_name() {
    local table key
    for table in "$_os_id-$_os_version" "$_os_family-${_os_version%%.*}" "$_os_id" "$_os_family"; do
        [[ -f $_os_folder/$table.names ]] || continue
        while read -r key REPLY; do
            [[ $key != "$1" ]] || return 0
        done <"$_os_folder/$table.names"
    done
    return 1
}

_os_folder=${BASH_SOURCE[0]%/*}/os
_os_id='' _os_version='' _os_codename='' _os_like='' _os_family=''
while IFS='=' read -r _key _value; do
    _value=${_value//[\"\']/}
    case $_key in
        ID) _os_id=$_value ;;
        VERSION_ID) _os_version=$_value ;;
        VERSION_CODENAME) _os_codename=$_value ;;
        ID_LIKE) _os_like=$_value ;;
    esac
done </etc/os-release

# The verbs of this host's package manager: pkg_install, pkg_list, pkg_hold … One file per family.
case " $_os_id $_os_like " in
    *" debian "*)
        _os_family=debian
        # shellcheck source=os/debian.sh
        . "$_os_folder/debian.sh"
        ;;
    *" rhel "* | *" fedora "*)
        _os_family=rhel
        # shellcheck source=os/rhel.sh
        . "$_os_folder/rhel.sh"
        ;;
esac

# system_folders, system_folders_there, bring_folders.
# shellcheck source=folders.sh
. "${BASH_SOURCE[0]%/*}/folders.sh"

# _pkg_names, _pkg_without …: lists of packages.
# shellcheck source=package_lists.sh
. "${BASH_SOURCE[0]%/*}/package_lists.sh"

# Packages that steps ask for: pkg_add, pkg_drop, pkg_untrue.
# shellcheck source=packages.sh
. "${BASH_SOURCE[0]%/*}/packages.sh"

# why_failed: what the output of a failed fetch means.
# shellcheck source=reasons.sh
. "${BASH_SOURCE[0]%/*}/reasons.sh"

# Their sources: fetch_key, right_key, key_prints, source_fault.
# shellcheck source=sources.sh
. "${BASH_SOURCE[0]%/*}/sources.sh"

# judge_owner, refusal.
# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

# host_networks, networks_overlap, port_holder, port_opens.
# shellcheck source=networks.sh
. "${BASH_SOURCE[0]%/*}/networks.sh"

# in_window: refuses an action outside its maintenance window.
# shellcheck source=window.sh
. "${BASH_SOURCE[0]%/*}/window.sh"

# once: questions that many checks ask alike.
# shellcheck source=once.sh
. "${BASH_SOURCE[0]%/*}/once.sh"
# asked: programs that ask questions.
# shellcheck source=asked.sh
. "${BASH_SOURCE[0]%/*}/asked.sh"
