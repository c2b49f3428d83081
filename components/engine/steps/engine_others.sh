# No other container engine stands in the way, except packages that the site allows to be replaced.
# rows: C1 H16
# inputs: conflicts replace units programs
#
# The package manager would remove `conflicts`, and what depends on them, without a question. A program that belongs to no
# package comes first in PATH, or is what the unit starts, and would be used in place of the site's.

check() {
    local path going running
    for path in $(_programs); do
        untrue "has $path, a container engine of no package, which would be used in place of the site's." \
            "Nothing was changed. Fix: stop its service and uninstall it as it was installed (mv $path $path.off" \
            "for a program put there by hand), or take this host out of the site"
    done
    going=$(_going)
    if [[ -n $going ]]; then
        running=$(_running)
        untrue "has another container engine, which would be removed: ${going//$'\n'/, }" \
            "(running containers: ${running:-none}). Nothing was changed." \
            "Fix: engine.replace: [${going//$'\n'/, }] in the site, which removes them;" \
            "or keep them, with another engine.package in the site"
    fi
}

_programs() {
    local path line units=()
    for path in $(input programs); do
        if [[ -x $path ]]; then printf '%s\n' "$path"; fi
    done
    for path in $(input units); do units+=("$path.service"); done
    if ((${#units[@]} == 0)); then return; fi
    while IFS= read -r line; do
        if [[ $line =~ ^'{ path='([^ ]+)' ;' && ! ${BASH_REMATCH[1]} =~ ^(/usr)?/s?bin/ ]]; then
            printf '%s\n' "${BASH_REMATCH[1]}"
        fi
    done < <(systemctl show -p ExecStart --value "${units[@]}")
}

# What would go, without what came with us, and what the site allows to go.
_going() {
    local name there=() allowed
    local -A pkg_seen=()
    _pkg_see "$(input conflicts)"
    for name in $(input conflicts); do
        if [[ -n ${pkg_seen[$name]-} ]]; then there+=("$name"); fi
    done
    if ((${#there[@]} == 0)); then return; fi
    allowed=$(input replace | tr ' ' '\n' && cat /var/lib/gpu-metal/packages/came 2>/dev/null || true)
    comm -23 <(pkg_dependents "${there[@]}") <(sort -u <<<"$allowed")
}

_running() {
    {
        docker ps --format '{{.Names}}' 2>/dev/null || true
        podman ps --format '{{.Names}}' 2>/dev/null || true
    } | sort -u | paste -sd ' '
}
