# The package is for this machine, and the workers' spools fit into its memory: the console accepts any number.
# rows: Q2 Q6
# inputs: architecture spools

check() {
    local seen
    if [[ $(uname -m) != "$(input architecture)" ]]; then
        untrue "is $(uname -m), wants $(input architecture) for SQream's package. Fix: the package for $(uname -m)"
    fi
    seen=$(awk '/^MemTotal:/ { printf "%d", $2 * 1024 / 1000000000 }' /proc/meminfo)
    if (($(input spools) > seen)); then
        untrue "wants $(input spools) GB of spool for its workers, has $seen GB of memory." \
            "Fix: lower workers[].spoolGb, or leave it out: the console shares out what there is"
    fi
}
