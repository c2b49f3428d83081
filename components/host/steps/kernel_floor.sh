# The kernel that runs is new enough.
# rows: H13 H19
# inputs: at_least

check() {
    local least seen
    least=$(input at_least)
    seen=$(uname -r)
    if [[ $(printf '%s\n' "$least" "${seen%%-*}" | sort -V | head -n 1) != "$least" ]]; then
        untrue "runs Linux $seen, wants $least or newer." \
            "Fix: name a newer one in kernel.package, and kernel.reboot: when-needed"
    fi
}
