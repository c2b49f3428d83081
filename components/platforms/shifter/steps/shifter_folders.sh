# The folders that Shifter mounts into exist.
# rows: F1
# inputs: folders
#
# Root runs programs in them, or mounts there: only root may write to them and to the folders above them.

check() {
    local folder
    for folder in $(input folders); do
        if [[ ! -d $folder ]]; then untrue "has no folder $folder"; fi
        if [[ $(stat -c %U "$folder") != root ]]; then untrue "$folder is not root's"; fi
        _closed "$folder"
    done
}

apply() {
    local folder
    for folder in $(input folders); do
        if [[ ! -d $folder ]]; then
            keep "$folder"
            (umask 022 && mkdir -p "$folder")
        fi
        chown root "$folder"
        _closed "$folder"
    done
}

undo() {
    local folder
    for folder in $(input folders); do restore "$folder"; done
}

# Checks every folder up to /. With the sticky bit others may write to one, since they cannot rename what is root's.
_closed() {
    local folder seen
    folder=$(realpath -- "$1")
    while true; do
        seen=$(stat -c '%u %A %g' -- "$folder")
        if [[ $seen != 0\ * || $seen == 0\ ????????w[^tT]\ * || $seen == 0\ ?????w???[^tT]\ *[^0]* ]]; then
            untrue "$folder can be changed by others than root, and root runs what is in $1." \
                "Fix: chown root $folder; chmod go-w $folder; or another prefix or sysconfdir"
        fi
        if [[ $folder == / ]]; then return; fi
        folder=$(dirname -- "$folder")
    done
}
