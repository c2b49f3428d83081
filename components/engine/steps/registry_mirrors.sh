# Each registry's mirrors are tried, in order, before the registry itself; containerd reads this at every pull.
# inputs: one key per registry, its mirrors separated by spaces

check() {
    local registry mirrors
    while IFS='=' read -r registry mirrors; do
        if ! _hosts "$registry" "$mirrors" | same_file "$(_file "$registry")"; then
            untrue "$(_file "$registry") is not what the site's mirrors say"
        fi
    done < <(inputs)
    for registry in $(_strays); do untrue "$registry has mirrors that the site no longer names"; done
}

apply() {
    local registry mirrors
    for registry in $(_strays); do restore "$(_file "$registry")"; done
    while IFS='=' read -r registry mirrors; do
        keep "$(_file "$registry")"
        _hosts "$registry" "$mirrors" | write_file "$(_file "$registry")" 0644
    done < <(inputs)
}

undo() {
    local registry
    for registry in $(_ours) $(inputs | cut -d= -f1); do restore "$(_file "$registry")"; done
}

_file() {
    printf '/etc/containerd/certs.d/%s/hosts.toml' "$1"
}

# Registries whose file we wrote.
_ours() {
    local file
    for file in /etc/containerd/certs.d/*/hosts.toml; do
        if [[ -e $file ]] && kept "$file"; then basename "$(dirname "$file")"; fi
    done
}

_strays() {
    comm -23 <(_ours | sort) <(inputs | cut -d= -f1 | sort)
}

_hosts() {
    local registry=$1 mirror server
    server="https://$registry"
    if [[ $registry == docker.io ]]; then server=https://registry-1.docker.io; fi
    for mirror in $2; do
        # A registry that is named as its own mirror: this is how it is spoken to, by http for instance.
        if [[ ${mirror#*://} == "$registry" ]]; then server=$mirror; fi
    done
    printf '# gpu-metal\nserver = "%s"\n' "$server"
    for mirror in $2; do
        printf '\n[host."%s"]\ncapabilities = ["pull", "resolve"]\n' "$mirror"
        # With a path of its own (a proxy project), containerd must not put /v2 before it.
        if [[ ${mirror#*://} == */* ]]; then printf 'override_path = true\n'; fi
    done
}
