# shellcheck shell=bash
# For steps that say `# uses: storage`: questions to NFS servers that end in time, and units that are switched on.

# nfs_connects SERVER SECONDS: does it accept connections for NFS?
# shellcheck disable=SC2016  # the inner bash expands it
nfs_connects() { timeout "$2" bash -c 'exec 3<>"/dev/tcp/$1/2049"' _ "$1" 2>/dev/null; }

# left_after SECONDS COMMAND…: what the command prints, and its status; 124 when it has not ended by then. It is killed
# and left alone: a process that waits for a dark server may not die, and `timeout` would wait for it for ever.
left_after() {
    local tenths=$(($1 * 10)) out pid status=0
    shift
    out=$(mktemp "$GPU_METAL_RUN/nfs.XXXXXX")
    setsid "$@" >"$out" 2>&1 </dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null && ((tenths-- > 0)); do sleep 0.1; done
    if kill -0 "$pid" 2>/dev/null; then
        kill -KILL -- "-$pid" 2>/dev/null || true
        status=124
    else
        wait "$pid" || status=$?
    fi
    cat "$out"
    rm -f "$out"
    return "$status"
}

# nfs_mounted SERVER: `SOURCE PLACE` of each mount of its shares, by the kernel's list: no file of theirs is touched
nfs_mounted() {
    awk -v "server=$1:/" 'index($1, server) == 1 { print $1, $2 }' /proc/self/mounts
}

# share_off_disk PATH MOUNT: prints why the share's disk is not below it; MOUNT is empty where no disk is declared
share_off_disk() {
    if [[ -n $2 ]] && ! mountpoint -q "$2"; then
        printf 'has nothing mounted at %s, the disk of the share %s. Fix: lsblk -f shows the disks, mount %s mounts it' \
            "$2" "$1" "$2"
    fi
}

# other_exports PATH: `FILE: LINE` of each line of others that exports it, a folder above it, or one in it: what lies
# there is open to the clients of both
other_exports() {
    local file
    for file in /etc/exports /etc/exports.d/*.exports; do
        [[ -f $file && $file != "$(exports_file)" ]] || continue
        awk -v "path=$1/" -v "file=$file" '
            { first = $1; gsub(/"/, "", first); sub(/\/*$/, "/", first) }
            /^[ \t]*"?\// && (index(path, first) == 1 || index(first, path) == 1) { print file ": " $0 }
        ' "$file"
    done
}

exports_file() { printf '/etc/exports.d/gpu-metal.exports'; }

# unit_on UNIT: enabled, and runs; records what it was before
unit_on() {
    local record=$GPU_METAL_HOME/$1.was
    if [[ ! -e $record ]]; then
        printf '%s %s\n' "$(systemctl is-enabled "$1" 2>/dev/null || true)" "$(systemctl is-active "$1" || true)" |
            write_file "$record" 0600
    fi
    if ! systemctl is-enabled -q "$1"; then systemctl enable -q --no-reload "$1"; fi
    if ! systemctl is-active -q "$1"; then systemctl start "$1"; fi
}

# unit_back UNIT: as it was before unit_on
unit_back() {
    local record=$GPU_METAL_HOME/$1.was enabled active
    [[ -e $record ]] || return 0
    read -r enabled active <"$record"
    if [[ $active != active && $active != failed ]]; then systemctl stop "$1" 2>/dev/null || true; fi
    if [[ $enabled == disabled ]]; then systemctl disable -q --no-reload "$1" 2>/dev/null || true; fi
    rm -f "$record"
}
