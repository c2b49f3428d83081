# SQream's own status shows the site's services and no other.
# rows: Q7 Q8
# inputs: ports
#
# Each service's own step compares its version, GPU and settings.

check() {
    local port shown strays unlisted
    strays=$(gpu-metal-sqream strays | paste -sd ,)
    if [[ -n $strays ]]; then
        untrue "runs ${strays//,/, }, which the site does not have. Fix: stop it in sqream-console; or add it to workers"
    fi
    unlisted=$(gpu-metal-sqream unlisted | paste -sd ,)
    if [[ -n $unlisted ]]; then
        untrue "SQream's own list does not show ${unlisted//,/, } as it runs. Fix: sqream master --list in sqream-console;" \
            "gpu-metal-sqream stop-all; then pulumi up"
    fi
    if ! command -v sqream-status >/dev/null; then return; fi
    shown=$(sqream-status 2>&1 | _shown || true)
    for port in $(input ports); do
        if [[ " $shown " != *" $port "* ]]; then
            untrue "sqream-status shows nothing on port $port. Fix: docker ps -a; then pulumi up"
        fi
    done
}

# The host's ports in Docker's table on stdin, which has those that follow each other as FIRST-LAST
_shown() {
    grep -oE ':[0-9]+(-[0-9]+)?->' | tr -d '>' |
        awk -F '[:-]' '{ last = $3 == "" ? $2 : $3; for (port = $2; port <= last; port++) print port }' | paste -sd ' '
}
