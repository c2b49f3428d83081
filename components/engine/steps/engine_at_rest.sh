# No container that would be harmed runs while a package changes its version, which restarts the engine or reloads systemd.
# rows: G8
# inputs: names engine
# uses: host engine
#
# Those are containers with GPUs; and all of Docker's, if `engine` is docker and it does not carry them over a restart. On
# a node that is emptied for it (`pulumi up` gives it its turn by an annotation), what is left are pods of DaemonSets, such
# as a device plugin: there only those count that would lose their GPUs.

check() {
    local word name seen running which=()
    for word in $(input names); do
        name=${word%%=*}
        seen=$(pkg_version "$name")
        if [[ $word != *=* || -z $seen ]] || pkg_right "$word"; then continue; fi
        if _in_turn "$word"; then which=(losing); fi
        if running=$(gpu_containers "${which[@]}"); then
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

# Is this member emptied for the package WORD?
_in_turn() {
    local turn
    if [[ ! -s /etc/kubernetes/kubelet.conf ]]; then return 1; fi
    turn=$(kubectl --kubeconfig /etc/kubernetes/kubelet.conf --request-timeout=10s get node "$(uname -n)" -o \
        'go-template={{with .metadata.annotations}}{{with index . "gpu-metal/upgrade"}}{{.}}{{end}}{{end}}' 2>/dev/null) ||
        return 1
    [[ ${turn%% *} == "$1" ]]
}
