# PAM limits of every user, root too (which `*` does not cover), soft and hard alike; they hold from the next login on.
# rows: H10
# inputs: one key per limit

check() {
    if ! _wanted | same_file /etc/security/limits.d/90-gpu-metal.conf; then
        untrue "/etc/security/limits.d/90-gpu-metal.conf is not what the site's limits say"
    fi
}

apply() {
    _refuse_lockout
    keep /etc/security/limits.d/90-gpu-metal.conf
    _wanted | write_file /etc/security/limits.d/90-gpu-metal.conf 0644
}

undo() {
    restore /etc/security/limits.d/90-gpu-metal.conf
}

# The kernel refuses a limit above fs.nr_open, and PAM then refuses the login itself.
_refuse_lockout() {
    local files most
    files=$(input nofile 0)
    most=$(</proc/sys/fs/nr_open)
    if ((files < 0 || files > most)); then
        untrue "has fs.nr_open $most, wants nofile $files, with which nobody could log in." \
            "Fix: lower limits.nofile, or raise fs.nr_open under sysctl"
    fi
}

_wanted() {
    printf '# gpu-metal\n'
    inputs | while IFS='=' read -r limit value; do
        printf '%s - %s %s\n' '*' "$limit" "$value" root "$limit" "$value"
    done
}
