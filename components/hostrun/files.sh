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

# write_file PATH MODE [OWNER:GROUP]: writes stdin to PATH. Touches nothing when PATH is right already.
write_file() {
    local path=$1 mode=$2 owner=${3-} staged status=0
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
    folder=$(dirname -- "$path") name=$(basename -- "$path")
    (umask 022 && mkdir -p -- "$folder") || return
    # A dot first: the kubelet, cron and run-parts leave such files alone. One name, so that a killed run leaves one at most.
    fresh=$folder/.$name.gpu-metal
    rm -f -- "$fresh"
    # noclobber opens with O_EXCL: in a folder that others may write to, a planted link is not followed.
    if (set -o noclobber && cat "$staged" >"$fresh") &&
        { [[ -z $owner ]] || chown -- "$owner" "$fresh"; } && chmod -- "$mode" "$fresh" &&
        sync "$fresh" && mv -T -- "$fresh" "$path"; then
        sync "$folder"
    else
        rm -f -- "$fresh"
        return 1
    fi
}
