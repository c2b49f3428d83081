# NVIDIA's container runtime gives GPUs to containers in the wanted mode: by CDI, so that systemd knows of the devices.
# rows: G7 G8
# inputs: mode

check() {
    local seen
    seen=$(_mode)
    if [[ $seen != "$(input mode)" ]]; then
        untrue "has mode ${seen:-none} in $_file, wants $(input mode)"
    fi
}

apply() {
    keep "$_file"
    nvidia-ctk config --config-file="$_file" --in-place --set "nvidia-container-runtime.mode=$(input mode)"
}

undo() {
    restore "$_file"
}

_file=/etc/nvidia-container-runtime/config.toml

_mode() {
    sed -nE '/^\[nvidia-container-runtime\]/,/^\[/ s/^ *mode *= *"(.*)".*/\1/p' "$_file" 2>/dev/null || true
}
