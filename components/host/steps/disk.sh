# There is enough free space under /var, in GB of 10^9 bytes: images, logs and etcd live there.
# rows: H16
# inputs: least

check() {
    local least free
    least=$(input least)
    free=$(df --output=avail -B1 /var)
    free=${free##*$'\n'}
    awk -v least="$least" -v free="$free" 'BEGIN { exit (free < least * 1e9) }' ||
        untrue "has $(awk -v free="$free" 'BEGIN { printf "%.1f", free / 1e9 }') GB free in /var, wants $least." \
            "Fix: free space there, or a smaller minimum.diskGb in the site"
}
