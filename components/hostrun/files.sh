# shellcheck shell=bash
# Writes files whole: to a new file beside, synced, renamed. Returns every command's failure, so errexit is not needed.
# Short text stays in this shell: a process costs more than all that is done with it.

# _take_stdin → text: stdin; and rest: empty when that is all of it, else where it stopped (_all_of_stdin). Reads a pipe only: of a
# file, bash does not tell an error from the end.
_take_stdin() {
    text='' rest=unread
    [[ -p /dev/stdin ]] || return 0
    if ! IFS= read -r -d '' -n 4096 text; then rest=; elif ((${#text} < 4096)); then rest=nul; fi
}

# _all_of_stdin: prints all of what _take_stdin began to read
_all_of_stdin() {
    printf '%s' "$text" || return
    case $rest in
        '') return ;;
        nul) printf '\0' || return ;;
    esac
    cat
}

# _file_is FILE TEXT: is that all of it?
_file_is() {
    local seen
    ! IFS= read -r -d '' -n $((${#2} + 1)) seen <"$1" && [[ $seen == "$2" ]]
}

# read_file FILE → REPLY: its text. Before bash 5.2, $(<FILE) is a process.
read_file() {
    REPLY=
    IFS= read -r -d '' REPLY <"$1" || true
}

# same_file PATH: is PATH a regular file with the content of stdin?
same_file() {
    local text rest sum
    _take_stdin
    if [[ -z $rest ]]; then
        [[ -f $1 ]] && _file_is "$1" "$text"
        return
    fi
    sum=$(_all_of_stdin | sha256sum) || return
    [[ -f $1 && $sum == "$(sha256sum <"$1")" ]]
}

# written_place PATH → REPLY: the file that write_file writes for PATH: what a link leads to, else PATH itself.
# A link is replaced by a file when it leads to a file of a package or of the running system (/etc/resolv.conf may), and
# when a user's link leads to another one's file, which root must not write for that user.
written_place() {
    local link=$1 next owner links=() target
    REPLY=$1
    [[ -L $1 && -f $1 ]] || return 0
    target=$(realpath -- "$1") || return
    case $target in
        /usr/local/*) ;;
        /usr/* | /run/* | /proc/* | /sys/* | /dev/*) return 0 ;;
    esac
    while [[ -L $link ]]; do
        links+=("$(stat -c %u -- "$link")") || return
        next=$(readlink -- "$link") || return
        [[ $next == /* ]] || next=$(dirname -- "$link")/$next
        link=$next
    done
    owner=$(stat -c %u -- "$target") || return
    for link in "${links[@]}"; do
        [[ $link == 0 || $link == "$owner" ]] || return 0
    done
    REPLY=$target
}

# write_file PATH MODE [OWNER:GROUP]: writes stdin to PATH, through a link (written_place). Touches nothing when PATH is
# right already.
write_file() {
    local text rest staged='' later='' status=0
    _take_stdin
    if [[ -n $rest ]]; then
        # Staged in memory first (root only): PATH's folder stays untouched when nothing changes.
        staged=$GPU_METAL_RUN/.write.$BASHPID
        _all_of_stdin >"$staged" || return
    fi
    _put_file "$1" "$2" "${3-}" || status=$?
    [[ -z $staged ]] || rm -f -- "$staged"
    return "$status"
}

# write_text PATH MODE TEXT [later]: the same with TEXT, which gets no line end. With `later`, the caller syncs the folder.
write_text() {
    local text=$3 staged='' later=${4-}
    _put_file "$1" "$2" ''
}

# _put_file PATH MODE OWNER: what is in `text`, or in the file `staged`
_put_file() {
    local path mode=$2 owner=$3 folder fresh
    written_place "$1" || return
    path=$REPLY
    if [[ -f $path && ! -L $path ]] && _is_new_text; then
        _mend_mode
        return
    fi
    folder=${path%/*}
    [[ -d ${folder:=/} ]] || (umask 022 && mkdir -p -- "$folder") || return
    # A dot first: the kubelet, cron and run-parts leave such files alone. One name, so that a killed run leaves one at most.
    fresh=$folder/.${path##*/}.gpu-metal
    [[ ! -e $fresh && ! -L $fresh ]] || rm -f -- "$fresh"
    # noclobber opens with O_EXCL: in a folder that others may write to, a planted link is not followed.
    if (umask 077 && set -o noclobber && _new_text >"$fresh") &&
        { [[ -z $owner ]] || chown -- "$owner" "$fresh"; } && { [[ $mode == 0600 ]] || chmod -- "$mode" "$fresh"; } &&
        sync "$fresh" && mv -T -- "$fresh" "$path"; then
        [[ -n $later ]] || sync "$folder"
    else
        rm -f -- "$fresh"
        return 1
    fi
}

_new_text() {
    if [[ -n $staged ]]; then cat -- "$staged"; else printf '%s' "$text"; fi
}

_is_new_text() {
    if [[ -n $staged ]]; then
        [[ $(sha256sum <"$staged") == "$(sha256sum <"$path")" ]]
    else
        _file_is "$path" "$text"
    fi
}

_mend_mode() {
    local seen wanted
    seen=$(stat -c '%04a %U:%G' -- "$path") || return
    printf -v wanted '%04o' "0$mode"
    [[ -z $owner || ${seen#* } == "$owner" ]] || chown -- "$owner" "$path" || return
    [[ ${seen%% *} == "$wanted" ]] || chmod -- "$mode" "$path"
}
