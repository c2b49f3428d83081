# There is enough memory, in GB of 10^9 bytes: the difference to GiB is more than the kernel reserves for itself.
# rows: H16
# inputs: least

check() {
    local least seen
    least=$(input least)
    seen=$(awk -v least="$least" '$1 == "MemTotal:" { printf "%.1f", $2 * 1024 / 1e9; exit ($2 * 1024 < least * 1e9) }' \
        /proc/meminfo) ||
        untrue "has $seen GB of memory, wants $least." \
            "Fix: a larger host, or a smaller minimum.memoryGb in the site"
}
