# containerd sees what is put into /etc/cni/net.d.
# rows: K4
#
# It watches the folder that was there when it started. The package that owns the folder takes it away when it goes: a
# host that left a cluster and joins again would wait for its pod network for ever. Before the packages, so that it is
# undone after them.

check() {
    if ! _watched; then untrue "containerd does not watch the /etc/cni/net.d that is there now"; fi
}

# containerd makes the folder itself.
apply() {
    systemctl restart containerd
}

undo() {
    if systemctl is-active --quiet containerd && ! _watched; then systemctl restart containerd; fi
}

_watched() {
    local inode pid
    if [[ ! -d /etc/cni/net.d ]]; then return 1; fi
    inode=$(printf '%x' "$(stat -c %i /etc/cni/net.d)")
    pid=$(systemctl show --property MainPID --value containerd)
    grep -qs "^inotify .*ino:$inode " "/proc/$pid/fdinfo/"*
}
