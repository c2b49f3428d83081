# PAM limits of every user, root too (which `*` does not cover), soft and hard alike; they hold from the next login on.
# inputs: one key per limit

check() {
    if ! _wanted | same_file /etc/security/limits.d/90-gpu-metal.conf; then
        untrue "/etc/security/limits.d/90-gpu-metal.conf is not what the site's limits say"
    fi
}

apply() {
    keep /etc/security/limits.d/90-gpu-metal.conf
    _wanted | write_file /etc/security/limits.d/90-gpu-metal.conf 0644
}

undo() {
    restore /etc/security/limits.d/90-gpu-metal.conf
}

_wanted() {
    printf '# gpu-metal\n'
    inputs | while IFS='=' read -r limit value; do
        printf '%s - %s %s\n' '*' "$limit" "$value" root "$limit" "$value"
    done
}
