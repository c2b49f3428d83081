# A container of the site's image got every GPU, and nvidia-smi in it showed them all.
# rows: G7
# inputs: image engine count
# uses: gpu
#
# Runs once for each image, driver and toolkit, which a mark records. undo only removes the mark.

check() {
    if [[ $(cat "$GPU_METAL_HOME/gpu-smoke" 2>/dev/null) != "$(_subject)" ]]; then
        untrue "no container of $(input image) has shown the GPUs with this driver and toolkit"
    fi
}

apply() {
    local said seen status=0
    said=$(timeout 600 bash -c "$(declare -f _run); _run \"\$@\"" _ "$(input engine)" "$(input image)" 2>&1) || status=$?
    seen=$(printf '%s\n' "$said" | grep -c '^GPU [0-9]' || true)
    if ((status != 0 || seen != $(input count))); then
        printf '%s\n' "$said" >&2
        untrue "a container of $(input image) showed $seen GPUs and ended with status $status, wants $(input count) and 0." \
            "Fix: use an image with nvidia-smi's libraries (nvidia/cuda) that this host can reach"
    fi
    _subject | write_file "$GPU_METAL_HOME/gpu-smoke" 0600
}

undo() {
    rm -f "$GPU_METAL_HOME/gpu-smoke"
}

_subject() {
    printf '%s %s %s\n' "$(input image)" "$(gpu_loaded)" "$(nvidia-ctk --version 2>/dev/null | grep -m 1 -oE '[0-9.]+$')"
}

# Removes the image again, unless it was here before.
_run() { # ENGINE IMAGE
    local had
    if [[ $1 == docker ]]; then
        had=$(docker images -q "$2")
        docker run --rm --pull missing --runtime nvidia --env NVIDIA_VISIBLE_DEVICES=all "$2" nvidia-smi -L || return
        if [[ -z $had ]]; then docker rmi "$2" >/dev/null; fi
        return
    fi
    ctr -n gpu-metal images pull --hosts-dir /etc/containerd/certs.d "$2" >/dev/null || return
    ctr -n gpu-metal run --rm --runc-binary /usr/bin/nvidia-container-runtime --env NVIDIA_VISIBLE_DEVICES=all \
        "$2" "gpu-metal-smoke-$$" nvidia-smi -L || return
    ctr -n gpu-metal images rm "$2" >/dev/null
}
