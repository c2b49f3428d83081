# No container with a GPU runs when the engine's package must change its version, which restarts the engine.
# rows: G8
# inputs: names

check() {
    local word name seen running
    for word in $(input names); do
        name=${word%%=*}
        seen=$(pkg_version "$name")
        # shellcheck disable=SC2053  # a version may be a glob
        if [[ $word == *=* && -n $seen && $seen != ${word#*=} ]] && running=$(gpu_containers); then
            untrue "$name is to change from $seen to ${word#*=}, and containers with GPUs run: ${running//$'\n'/, }." \
                "Nothing was changed. Fix: drain or stop them, then pulumi up"
        fi
    done
}
