# shellcheck shell=bash
# Writes files whole: to a new file beside, synced, renamed. Returns every command's failure, so errexit is not needed.

# same_content FILE FILE
same_content() {
    [[ $(sha256sum <"$1") == "$(sha256sum <"$2")" ]]
}

# same_file PATH: is PATH a regular file with the content of stdin?
same_file() {
    local sum
    sum=$(sha256sum) || return
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
    local path mode=$2 owner=${3-} staged status=0
    written_place "$1" || return
    path=$REPLY
    # Staged in memory first (root only): PATH's folder stays untouched when nothing changes.
    staged=$GPU_METAL_RUN/.write.$BASHPID
    cat >"$staged" || return
    _write_staged "$staged" "$path" "$mode" "$owner" || status=$?
    rm -f -- "$staged"
    return "$status"
}

_write_staged() {
    local staged=$1 path=$2 mode=$3 owner=$4 folder name fresh
    if [[ -f $path && ! -L $path ]] && same_content "$staged" "$path"; then
        [[ -z $owner || $(stat -c %U:%G "$path") == "$owner" ]] || chown -- "$owner" "$path" || return
        [[ $(stat -c %04a "$path") == "$(printf '%04o' "0$mode")" ]] || chmod -- "$mode" "$path" || return
        return 0
    fi
    folder=${path%/*} name=${path##*/}
    [[ -d ${folder:=/} ]] || (umask 022 && mkdir -p -- "$folder") || return
    # A dot first: the kubelet, cron and run-parts leave such files alone. One name, so that a killed run leaves one at most.
    fresh=$folder/.$name.gpu-metal
    [[ ! -e $fresh && ! -L $fresh ]] || rm -f -- "$fresh"
    # noclobber opens with O_EXCL: in a folder that others may write to, a planted link is not followed.
    if (umask 077 && set -o noclobber && cat "$staged" >"$fresh") &&
        { [[ -z $owner ]] || chown -- "$owner" "$fresh"; } && { [[ $mode == 0600 ]] || chmod -- "$mode" "$fresh"; } &&
        sync "$fresh" && mv -T -- "$fresh" "$path"; then
        sync "$folder"
    else
        rm -f -- "$fresh"
        return 1
    fi
}
