# The user that runs Orchestra, or pgAdmin, exists.
# rows: T1 T2
# inputs: user what

check() {
    if ! getent passwd "$(input user)" >/dev/null; then untrue "has no user $(input user), which runs $(input what)"; fi
}

apply() {
    input user | write_file "$(_made)" 0600
    useradd --system --user-group --no-create-home --home-dir /nonexistent --shell "$(command -v nologin)" "$(input user)"
}

# A user that others made stays.
undo() {
    local user
    user=$(input user)
    if [[ $(cat "$(_made)" 2>/dev/null) != "$user" ]]; then return; fi
    if getent passwd "$user" >/dev/null; then userdel "$user"; fi
    if getent group "$user" >/dev/null; then groupdel "$user"; fi
    rm -f "$(_made)"
}

_made() { printf '%s/orchestra-user-%s' "$GPU_METAL_HOME" "$(input user)"; }
