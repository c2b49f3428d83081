# There are enough CPUs.
# rows: H16
# inputs: least

check() {
    local seen least
    seen=$(nproc --all)
    least=$(input least)
    if ((seen < least)); then
        untrue "has $seen CPUs, wants $least. Fix: a larger host, or a smaller minimum.cpus in the site"
    fi
}
