# The machine is x86_64.

check() {
    local seen
    seen=$(uname -m)
    if [[ $seen != x86_64 ]]; then
        untrue "has a $seen processor, wants x86_64. Fix: take the host out of the site"
    fi
}
