# A system node has the CPUs, the memory and the disk that Run:ai's own pods need.
# rows: R1
# inputs: cpus memory disk

check() {
    local cpus memory disk
    cpus=$(nproc --all)
    memory=$(awk '$1 == "MemTotal:" { printf "%d", ($2 * 1024 + 5e8) / 1e9 }' /proc/meminfo)
    disk=$(($(stat -f -c '%b * %S' /var) / 1000000000))
    _at_least "$cpus" "$(input cpus)" CPUs cpus
    _at_least "$memory" "$(input memory)" "GB of memory" memoryGb
    _at_least "$disk" "$(input disk)" "GB of disk at /var" diskGb
}

# SEEN WANTED WHAT KEY
_at_least() {
    if (($1 < $2)); then
        untrue "has $1 $3, and Run:ai asks $2 of each system node." \
            "Fix: a larger host, one more under nodes.system, or a smaller nodes.least.$4"
    fi
}
