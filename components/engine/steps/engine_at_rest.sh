# No container that would be harmed runs while a package changes its version, which restarts the engine or reloads systemd.
# rows: G8
# inputs: names engine
# uses: host engine
#
# Those are containers with GPUs; and all of Docker's, if `engine` is docker and it does not carry them over a restart.

check() {
    local word name seen running
    for word in $(input names); do
        name=${word%%=*}
        seen=$(pkg_version "$name")
        if [[ $word != *=* || -z $seen ]] || pkg_right "$word"; then continue; fi
        if running=$(gpu_containers); then
            untrue "$name is to change from $seen to ${word#*=}, and containers with GPUs run: ${running//$'\n'/, }." \
                "Nothing was changed. Fix: drain or stop them, then pulumi up"
        fi
        if [[ $(input engine '') == docker ]]; then running=$(engine_stops); fi
        if [[ -n $running ]]; then
            untrue "$name is to change from $seen to ${word#*=}, which would stop containers: ${running//$'\n'/, }." \
                "Nothing was changed. Fix: docker stop ${running//$'\n'/ }, then pulumi up; docker start brings them back"
        fi
    done
}
