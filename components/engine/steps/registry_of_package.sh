# The registry that the package would start by itself, without TLS or password, stays off.
# rows: C3

check() {
    if [[ $(readlink "$(_unit)") != /dev/null ]]; then untrue "$(basename "$(_unit)") is not masked"; fi
}

apply() {
    keep "$(_unit)"
    # Debian's package leaves its user behind.
    if ! getent passwd docker-registry >/dev/null; then
        write_file "$GPU_METAL_HOME/registry-user" 0600 <<<"docker-registry"
    fi
    ln -sfn /dev/null "$(_unit)"
    if systemctl is-active -q "$(basename "$(_unit)")"; then systemctl stop "$(basename "$(_unit)")"; fi
}

undo() {
    restore "$(_unit)"
    if [[ -e $GPU_METAL_HOME/registry-user && ! -e $(os_path registry_program) ]]; then
        if getent passwd docker-registry >/dev/null; then userdel docker-registry; fi
        if getent group docker-registry >/dev/null; then groupdel docker-registry; fi
    fi
    rm -f "$GPU_METAL_HOME/registry-user"
    rmdir /var/lib/containers 2>/dev/null || true
}

_unit() {
    printf '/etc/systemd/system/%s' "$(os_path registry_unit)"
}
