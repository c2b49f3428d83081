# shellcheck shell=bash
# What an error of the host's disk or package tool means. Sourced by the runner, and put in front of install.sh.

# cause TEXT: prints `Fix: …` for an error of a full or read-only file system or a locked package tool; tells missing
# space from missing inodes, for which the kernel has one message
cause() {
    local folder home=${GPU_METAL_HOME:-/var/lib/gpu-metal} run=${GPU_METAL_RUN:-/run/gpu-metal}
    case $1 in
        *"No space left on device"*)
            for folder in "$home" "$run" /var /usr /etc /boot /tmp /; do
                if _is_full "$folder"; then return; fi
            done
            printf 'Fix: make room there (df -h and df -i say where), then run again.'
            ;;
        *"Read-only file system"*)
            for folder in "$home" "$run" /etc /var /usr /usr/local/sbin /boot / 'what it names'; do
                [[ -w $folder ]] || break
            done
            printf 'Fix: %s is mounted read-only (dmesg may say why); mount it writable, then run again.' "$folder"
            ;;
        *"Disk quota exceeded"*)
            printf "Fix: make room there, or raise root's quota, then run again."
            ;;
        *"Input/output error"*)
            printf 'Fix: its disk fails (dmesg and smartctl -a say more): replace it, then set the host up anew.'
            ;;
        *"Could not get lock"* | *"lock is locked by another"* | *"lock-frontend"*)
            printf 'Fix: another package tool works here; wait for it, then run again.'
            ;;
    esac
}

_is_full() {
    local blocks inodes all_inodes
    [[ -d $1 ]] || return
    read -r blocks inodes all_inodes < <(stat -f -c '%f %d %c' -- "$1")
    if ((blocks == 0)); then
        printf 'Fix: the file system of %s is full; free some space, then run again.' "$1"
    elif ((all_inodes > 0 && inodes == 0)); then
        printf 'Fix: the file system of %s has no free inodes; delete files, then run again.' "$1"
    else
        return 1
    fi
}
