# Pulls from a registry try its mirrors first, in the site's order, each with its own trust and login.
# rows: C1 C2
# inputs: one key per registry, its mirrors separated by spaces; skip_verify with_ca; user_REGISTRY for a login
# secrets: one key per registry with a login
#
# containerd reads this at every pull, so nothing is restarted. A login is sent as a header, which also works for the
# sandbox image and for mirrors, unlike the kubelet's logins; only root can read a file with logins.

check() {
    local registry file
    for registry in $(_registries); do
        file=$(_file "$registry")
        if [[ $(_hosts "$registry" _no_secret | sha256sum) != $(_without_secrets "$file" | sha256sum) ]]; then
            untrue "$file is not what the site's mirrors say"
        fi
        if [[ $(stat -Lc %04a "$file") != $(_mode "$registry") ]]; then
            untrue "$file has mode $(stat -Lc %04a "$file"), wants $(_mode "$registry")"
        fi
    done
    for registry in $(_strays); do untrue "$registry has mirrors that the site no longer names"; done
}

apply() {
    local registry
    for registry in $(_strays); do _put_back "$registry"; done
    for registry in $(_registries); do
        keep "$(_file "$registry")"
        _hosts "$registry" _secret | write_file "$(_file "$registry")" "$(_mode "$registry")"
    done
}

undo() {
    local registry
    for registry in $(_ours) $(_registries); do _put_back "$registry"; done
}

_put_back() {
    restore "$(_file "$1")"
    rmdir "/etc/containerd/certs.d/$1" /etc/containerd/certs.d 2>/dev/null || true
}

_file() {
    printf '/etc/containerd/certs.d/%s/hosts.toml' "$1"
}

# No registry has an underscore in its name: such keys are other inputs.
_registries() {
    inputs | cut -d= -f1 | grep -v _
}

# Registries whose file we wrote.
_ours() {
    local file
    for file in /etc/containerd/certs.d/*/hosts.toml; do
        if [[ -e $file ]] && kept "$file"; then basename "$(dirname "$file")"; fi
    done
}

_strays() {
    comm -23 <(_ours | sort) <(_registries | sort)
}

# _hosts REGISTRY SECRET: its file; SECRET is the function that prints a login's line.
_hosts() {
    local registry=$1 mirror mirrors server
    mirrors=$(input "$registry")
    server="https://$registry"
    if [[ $registry == docker.io ]]; then server=https://registry-1.docker.io; fi
    if _is_in skip_verify "$server" && [[ " $mirrors" != *"://$registry"* ]]; then
        # As Docker does: first TLS with any certificate, then plain http.
        mirrors+=" $server" server="http://$registry"
    fi
    # The top of the file cannot hold a login, so the registry is listed as its own mirror.
    if _has_login "$server" && [[ " $mirrors " != *" $server "* ]]; then mirrors+=" $server"; fi
    for mirror in $mirrors; do
        # If a registry is named as its own mirror, that address is the one to use, by http for instance.
        if [[ ${mirror#*://} == "$registry" && $server != http:* ]]; then server=$mirror; fi
    done
    printf '# gpu-metal\nserver = "%s"\n' "$server"
    _trust "$server"
    for mirror in $mirrors; do
        printf '\n[host."%s"]\ncapabilities = ["pull", "resolve"]\n' "$mirror"
        # With a path of its own (a proxy project), containerd must not put /v2 before it.
        if [[ ${mirror#*://} == */* ]]; then printf 'override_path = true\n'; fi
        _trust "$mirror"
        if _has_login "$mirror"; then
            printf '\n[host."%s".header]\n' "$mirror"
            "$2" "$(_host "$mirror")"
        fi
    done
}

# _host URL: its HOST[:PORT], as the site names registries
_host() {
    local host=${1#*://}
    printf '%s' "${host%%/*}"
}

# _is_in INPUT URL: does the list name the URL's registry?
_is_in() {
    [[ " $(input "$1" '') " == *" $(_host "$2") "* ]]
}

_trust() {
    if [[ $1 != https:* ]]; then return; fi
    if _is_in skip_verify "$1"; then printf 'skip_verify = true\n'; fi
    if _is_in with_ca "$1"; then printf 'ca = "/etc/containerd/certs.d/%s/gpu-metal.crt"\n' "$(_host "$1")"; fi
}

_has_login() {
    [[ -n $(input "user_$(_host "$1")" '') ]]
}

_secret() {
    printf 'authorization = ["Basic %s"]\n' "$(printf '%s:%s' "$(input "user_$1")" "$(secret "$1")" | base64 -w 0)"
}

_no_secret() {
    printf 'authorization = •\n'
}

_without_secrets() {
    sed 's/^authorization = \["Basic [A-Za-z0-9+/=]*"\]$/authorization = •/' "$1" 2>/dev/null
}

_mode() {
    if [[ $(_hosts "$1" _no_secret) == *•* ]]; then printf '0600'; else printf '0644'; fi
}
