# No container with a GPU runs while a package changes its version, which restarts the engine or reloads systemd.
# rows: G8
# inputs: names
# uses: host

check() {
    local word name seen running
    for word in $(input names); do
        name=${word%%=*}
        seen=$(pkg_version "$name")
        if [[ $word == *=* && -n $seen ]] && ! pkg_right "$word" && running=$(gpu_containers); then
            untrue "$name is to change from $seen to ${word#*=}, and containers with GPUs run: ${running//$'\n'/, }." \
                "Nothing was changed. Fix: drain or stop them, then pulumi up"
        fi
    done
}
