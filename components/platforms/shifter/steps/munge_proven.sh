# This host has the site's key, and all hosts were proven to share it since it was written.
# rows: F4
# inputs: hosts
# secrets: key
#
# The program makes the proof on all hosts, right before this layer is applied (ring.py). This host alone can only check that
# its key has not changed since, and that no host was added.

check() {
    if ! _proof | same_file "$(_proven)"; then
        untrue "munge's key has not been proven on $(input hosts)"
    fi
}

apply() {
    if ! secret key | base64 -d | same_file /etc/munge/munge.key; then
        untrue "/etc/munge/munge.key is not the site's. Fix: pulumi up writes it again"
    fi
    _proof | write_file "$(_proven)" 0600
}

undo() {
    rm -f "$(_proven)"
}

_proof() {
    input hosts
    sha256sum </etc/munge/munge.key
}

_proven() {
    printf '%s/munge-proven' "$GPU_METAL_HOME"
}
