# The certificates that the cluster's own authorities signed for this control plane are renewed before they end.
# rows: K12
# inputs: timer
# bulk: renew turn
# limit: 3600
# uses: host
#
# All of them, when one ends within 30 days. The step comes before the membership, which asks the API server: no API server
# works with certificates that have ended. kubeadm signs them for a year; an upgrade renews none, so that they change here
# only. The kubelet renews its own certificate.

_program=/usr/local/sbin/gpu-metal-renew
_turn=/usr/local/sbin/gpu-metal-turn
_unit=gpu-metal-renew
_days=30

check() {
    local said
    if ! bulk renew | same_file $_program; then untrue "$_program is not the site's"; fi
    if ! bulk turn | same_file $_turn; then untrue "$_turn is not the site's"; fi
    if [[ $(input timer) == yes ]]; then
        timer_check $_unit 'certificates are not renewed before they end'
    elif [[ -e /etc/systemd/system/$_unit.timer ]]; then
        untrue "$_unit.timer is there, and the site has renewCertificates: false"
    fi
    said=$(_soon)
    if [[ -n $said ]]; then untrue "$said"; fi
    if [[ -e /etc/kubernetes/gpu-metal/renewing ]]; then untrue "certificates were renewed, and what uses them was not restarted"; fi
    said=$(_authorities)
    said+=${said:+ }$(_of_others)
    if [[ -n $said ]]; then remark "${said% }"; fi
}

apply() {
    bulk turn | write_file $_turn 0755
    bulk renew | write_file $_program 0755
    $_program renew $_days
    if [[ $(input timer) == yes ]]; then timer_on $_unit; else timer_off $_unit; fi
}

undo() {
    timer_off $_unit
    rm -f $_program $_turn
}

_service() {
    printf '%s\n' '# gpu-metal' '[Unit]' 'Description=Renewal of the certificates of the Kubernetes control plane' \
        '[Service]' 'Type=oneshot' "ExecStart=$_program renew $_days" "SyslogIdentifier=$_unit"
}

# Each control plane at another hour, the same one each day: one API server at a time is away for a moment.
_timer() {
    printf '%s\n' '# gpu-metal' '[Unit]' 'Description=Renewal of the certificates of the Kubernetes control plane' \
        '[Timer]' 'OnCalendar=daily' 'RandomizedDelaySec=20h' 'FixedRandomDelay=true' 'Persistent=true' \
        '[Install]' 'WantedBy=timers.target'
}

# Those that end soon, with their day
_soon() {
    _ending '' | sed 's/; $//'
}

# Those that end soon and that only another authority can sign anew
_of_others() {
    local said
    said=$(_ending foreign)
    if [[ -n $said ]]; then printf '%sFix: have that authority sign another one, and put it there' "$said"; fi
}

# _ending foreign|'': those that end soon, of other authorities or of the cluster's own
_ending() {
    local end name foreign last
    last=$(($(date +%s) + _days * 86400))
    while read -r end name foreign; do
        if ((end >= last)) || [[ ${foreign:+foreign} != "$1" ]]; then continue; fi
        printf '%s of /etc/kubernetes%s ends on %s; ' "$name" "${foreign:+, $foreign,}" "$(date -u -d "@$end" '+%F %H:%M UTC')"
    done < <($_program list)
}

# kubeadm does not renew them: every kubeconfig and kubelet trusts them.
_authorities() {
    local name end
    for name in ca etcd/ca front-proxy-ca; do
        if [[ ! -s /etc/kubernetes/pki/$name.crt ]]; then continue; fi
        if openssl x509 -in /etc/kubernetes/pki/$name.crt -noout -checkend $((365 * 86400)) >/dev/null; then continue; fi
        end=$(openssl x509 -in /etc/kubernetes/pki/$name.crt -noout -enddate | cut -d = -f 2)
        printf "the cluster's authority /etc/kubernetes/pki/%s.crt ends on %s, and nothing renews it. " $name "$end"
        printf 'Fix: docs/how-to/authority.md'
        return
    done
}
