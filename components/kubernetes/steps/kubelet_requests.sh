# Control planes approve the serving certificates that kubelets of the site's hosts ask for.
# rows: K12
# bulk: requests kubelets
# uses: host
#
# Kubernetes approves none by itself: it does not know which names and addresses are a node's.

_program=/usr/local/sbin/gpu-metal-kubelet-requests
_list=/etc/kubernetes/gpu-metal/kubelets
_unit=gpu-metal-kubelet-requests

check() {
    if ! bulk requests | same_file $_program; then untrue "$_program is not the site's"; fi
    if ! bulk kubelets | same_file $_list; then untrue "$_list has not the site's hosts"; fi
    timer_check $_unit 'kubelets have no certificates when theirs end'
}

apply() {
    bulk kubelets | write_file $_list 0644
    bulk requests | write_file $_program 0755
    timer_on $_unit
}

undo() {
    timer_off $_unit
    rm -f $_program $_list
}

_service() {
    printf '%s\n' '# gpu-metal' '[Unit]' "Description=Approval of kubelets' serving certificates" '[Service]' 'Type=oneshot' \
        "ExecStart=$_program" "SyslogIdentifier=$_unit" 'TimeoutStartSec=60'
}

_timer() {
    printf '%s\n' '# gpu-metal' '[Unit]' "Description=Approvals of kubelets' serving certificates" '[Timer]' \
        'OnActiveSec=1' 'OnUnitInactiveSec=30' 'AccuracySec=5' '[Install]' 'WantedBy=timers.target'
}
