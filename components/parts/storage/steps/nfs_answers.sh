# The NFS server accepts connections from this host.
# rows: S1
# inputs: server
# uses: storage

check() {
    if ! nfs_connects "$(input server)" 5; then
        untrue "$(input server) does not answer on port 2049 within 5 s. Fix: start the NFS server there, and let this" \
            "host through its firewall; or correct storage.server"
    fi
}
