# dpkg has no half-installed package: the first install of ours would stop at it.

check() {
    local broken
    if [[ ! -x /usr/bin/dpkg ]]; then
        untrue "has no dpkg, wants it. Fix: see the message on the operating system"
    fi
    broken=$(dpkg --audit)
    if [[ -n $broken ]]; then
        broken=$(awk '/^ / { printf "%s%s", sep, $1; sep = ", " }' <<<"$broken")
        untrue "has unfinished packages ($broken), wants none." \
            "Fix: dpkg --configure -a && apt-get --fix-broken install"
    fi
}
