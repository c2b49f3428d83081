# Exactly the site's users are in the group docker, beside those that were there before.
# rows: C1
# inputs: users

check() {
    local user
    for user in $(input users); do
        if ! id "$user" >/dev/null 2>&1; then
            untrue "has no user $user, wants it in the group docker. Fix: write accounts: {$user: {}} in the site"
        fi
        if ! _is_member "$user"; then untrue "$user is not in the group docker"; fi
    done
    for user in $(_strays); do untrue "$user is in the group docker, and the site no longer says so"; done
}

apply() {
    local user
    for user in $(_strays); do _out "$user"; done
    for user in $(input users); do
        if id "$user" >/dev/null 2>&1 && ! _is_member "$user"; then
            {
                _ours
                printf '%s\n' "$user"
            } | sort -u | write_file "$GPU_METAL_HOME/docker-users" 0600
            usermod -aG docker "$user"
        fi
    done
}

undo() {
    local user
    for user in $(_ours); do _out "$user"; done
    rm -f "$GPU_METAL_HOME/docker-users"
}

_is_member() {
    getent group docker | cut -d: -f4 | tr ',' '\n' | grep -xF "$1" >/dev/null
}

# The users that we added.
_ours() {
    cat "$GPU_METAL_HOME/docker-users" 2>/dev/null || true
}

_strays() {
    comm -23 <(_ours) <(input users | tr ' ' '\n' | sort -u)
}

_out() {
    if _is_member "$1"; then gpasswd -d "$1" docker; fi
    _ours | sed "/^$1\$/d" | write_file "$GPU_METAL_HOME/docker-users" 0600
}
