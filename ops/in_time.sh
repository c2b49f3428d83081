#!/usr/bin/env bash
# ops/in_time.sh COMMAND…: runs it for at most $GPU_METAL_LIMIT (2h unless told), and says why it ended when nothing else
# can. First SIGINT, as by Ctrl-C (what was begun is recorded), then SIGKILL.
set -euo pipefail
limit=${GPU_METAL_LIMIT:-2h}
begun=$SECONDS status=0
# The command keeps stderr; bash's own line for a process that was killed goes nowhere.
exec 3>&2
{ timeout --foreground --signal=INT --kill-after=2m "$limit" "$@" 2>&3 3>&- || status=$?; } 2>/dev/null
exec 3>&-
took=$((SECONDS - begun))

# timeout gives 137 for its own SIGKILL and for that of somebody else.
seconds=$(awk -v limit="$limit" 'BEGIN {
    unit["m"] = 60; unit["h"] = 3600; unit["d"] = 86400; last = substr(limit, length(limit))
    printf "%d", limit * (last in unit ? unit[last] : 1)
}')
case $status in
    124 | 137)
        if [ "$status" -eq 137 ] && { [ "$seconds" -eq 0 ] || [ "$took" -lt "$seconds" ]; }; then
            echo "✗ $1 was killed after $took s: by hand, or because this machine ran out of memory (then" \
                "journalctl -k -g 'out of memory' says so). Fix: repeat, it goes on from where it stopped." >&2
        else
            echo "✗ no end within $limit (GPU_METAL_LIMIT): $1 was stopped after $took s. Fix: a host that hangs is named" \
                "by sitectl verify; if the site only needs longer: GPU_METAL_LIMIT=4h; then repeat." >&2
        fi
        ;;
esac
exit "$status"
