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
    local name
    if ! bulk requests | same_file $_program; then untrue "$_program is not the site's"; fi
    if ! bulk kubelets | same_file $_list; then untrue "$_list has not the site's hosts"; fi
    for name in service timer; do
        if ! _$name | same_file /etc/systemd/system/$_unit.$name; then untrue "/etc/systemd/system/$_unit.$name is not the site's"; fi
    done
    if ! systemctl is-enabled -q $_unit.timer || ! systemctl is-active -q $_unit.timer; then
        untrue "$_unit.timer does not run, so kubelets have no certificates when theirs end"
    fi
}

apply() {
    local name
    bulk kubelets | write_file $_list 0644
    bulk requests | write_file $_program 0755
    for name in service timer; do
        _$name | write_file /etc/systemd/system/$_unit.$name 0644
        systemd_reload $_unit.$name
    done
    if ! systemctl is-enabled -q $_unit.timer; then systemctl enable -q --no-reload $_unit.timer; fi
    systemctl restart $_unit.timer
}

undo() {
    systemctl disable -q --no-reload --now $_unit.timer 2>/dev/null || true
    systemctl reset-failed $_unit.service 2>/dev/null || true
    rm -f /etc/systemd/system/$_unit.{timer,service} $_program $_list
}

_service() {
    printf '%s\n' '# gpu-metal' '[Unit]' "Description=Approval of kubelets' serving certificates" '[Service]' 'Type=oneshot' \
        "ExecStart=$_program" "SyslogIdentifier=$_unit" 'TimeoutStartSec=60'
}

_timer() {
    printf '%s\n' '# gpu-metal' '[Unit]' "Description=Approvals of kubelets' serving certificates" '[Timer]' \
        'OnActiveSec=1' 'OnUnitInactiveSec=30' 'AccuracySec=5' '[Install]' 'WantedBy=timers.target'
}
