# A container of the site's image has run to its end with this version of the engine.
# rows: C4
# inputs: engine image user
#
# It runs as the first of Docker's users, or as root without such a user. The image is recorded with the engine's
# version, so that check starts no container; another version, image or user makes it run again.

check() {
    if [[ $(cat "$GPU_METAL_HOME/container-ran" 2>/dev/null) != "$(_what)" ]]; then
        untrue "$(input image) has not run as $(input user) with $(_version)"
    fi
}

apply() {
    local said
    rm -f "$GPU_METAL_HOME/container-ran"
    if ! said=$("_$(input engine)" 2>&1); then
        untrue "$(input image) does not run as $(input user): $(grep -v "^See 'docker\|^\$" <<<"$said" | tail -n 1)" \
            "Fix: see that this host reaches the image's registry (mirrors, logins, registryCertificates of engine)" \
            "and that the image ends with 0, or leave verifyImage out"
    fi
    _what | write_file "$GPU_METAL_HOME/container-ran" 0600
}

undo() {
    rm -f "$GPU_METAL_HOME/container-ran"
}

_what() {
    printf '%s %s by %s\n' "$(_version)" "$(input image)" "$(input user)"
}

_version() {
    if [[ $(input engine) == docker ]]; then
        printf 'docker %s' "$(docker version --format '{{.Server.Version}}' 2>&1)"
    else
        containerd --version | awk '{ printf "%s %s", $1, $3 }'
    fi
}

# Removes the image again, unless it was here before.
_docker() {
    local had home
    had=$(docker images -q "$(input image)")
    # runuser leaves HOME as it is, and with it root's logins, which the user cannot read.
    home=$(getent passwd "$(input user)" | cut -d: -f6)
    runuser -u "$(input user)" -- env HOME="$home" timeout 300 docker run --rm "$(input image)" || return
    if [[ -z $had ]]; then docker rmi "$(input image)"; fi
}

# In a namespace of its own, so that the kubelet does not see it.
_containerd() {
    local status=0 namespace=gpu-metal
    timeout 300 ctr -n $namespace images pull --hosts-dir /etc/containerd/certs.d "$(input image)" || return
    timeout 120 ctr -n $namespace run --rm "$(input image)" gpu-metal-verify || status=$?
    ctr -n $namespace images rm --sync "$(input image)"
    ctr namespaces rm $namespace
    return "$status"
}
