# The cluster is backed up by a timer, from this control plane to another machine, and the last backup is not too old.
# rows: K11 K15
# inputs: folder keep hours recipients file url sha256 states
# bulk: common backup restore, and state.NAME of each of states
# limit: 3600
# uses: host
#
# `states`: parts with state that etcd has not; a program of each saves it.
# etcd's own programs come from its release archive: Kubernetes' image of etcd has no etcdutl, which reads a snapshot, and
# without which none is restored. Backups stay where they are when this is undone.

_home=/usr/local/lib/gpu-metal-backup
_state=/var/lib/gpu-metal-backup
_unit=gpu-metal-backup

check() {
    local name said age limit
    for name in backup restore common; do
        if ! bulk $name | same_file "$(_program $name)"; then untrue "$(_program $name) is not the site's"; fi
    done
    said=$(_other_states)
    if [[ -n $said ]]; then untrue "$said"; fi
    for name in folder keep recipients; do
        if ! _setting $name | same_file $_home/$name; then untrue "$_home/$name is not the site's $name"; fi
    done
    if ! _are_ours; then untrue "$_home has not etcdctl and etcdutl of the site's archive"; fi
    timer_check $_unit 'nothing is backed up'
    if systemctl is-failed -q $_unit.service; then untrue "the last backup failed: $(_said)"; fi
    age=$(_age) limit=$(($(input hours) * 2 + 1))
    if [[ -z $age ]]; then untrue "nothing was backed up yet"; fi
    if ((age >= limit)); then untrue "the last backup is $age hours old, wants one every $(input hours)"; fi
    if [[ -s $_state/without ]]; then
        remark "the last backup has etcd, but not the state of $(paste -sd ';' $_state/without). Fix: mend that, then sitectl backup"
    fi
    said=$(_other_version)
    if [[ -n $said ]]; then remark "$said"; fi
}

apply() {
    local name said
    install -d -m 0755 $_home
    if ! _are_ours; then _bring_tools; fi
    for name in backup restore common; do bulk $name | write_file "$(_program $name)" "$(_mode $name)"; done
    _bring_states
    for name in folder keep recipients; do _setting $name | write_file $_home/$name 0644; done
    timer_on $_unit
    if ! systemctl start $_unit.service; then
        untrue "nothing was backed up: $(_said)"
    fi
}

undo() {
    local name
    timer_off $_unit
    for name in backup restore common; do rm -f "$(_program $name)"; done
    rm -rf $_home
    if [[ -d $_state/manifests ]]; then
        remark "$_state stays: a restore began here and did not end, and the control plane's manifests are in it"
        return
    fi
    rm -rf $_state
}

_program() {
    case $1 in
        common) printf '%s/common.sh' $_home ;;
        *) printf '/usr/local/sbin/gpu-metal-%s' "$1" ;;
    esac
}

_mode() { if [[ $1 == common ]]; then printf 0644; else printf 0755; fi; }

_states() { input states '' | tr ' ' '\n' | sed '/^$/d'; }

_other_states() {
    local name
    for name in $(_states); do
        if ! bulk "state.$name" | same_file "$_home/states/$name"; then echo "$_home/states/$name is not the site's"; fi
    done
    if [[ $(ls -A $_home/states 2>/dev/null) != "$(_states)" ]]; then echo "$_home/states has not what the site says: $(_states)"; fi
}

_bring_states() {
    local name
    rm -rf $_home/states
    for name in $(_states); do bulk "state.$name" | write_file "$_home/states/$name" 0755; done
}

_setting() { input "$1" | tr ' ' '\n'; }

_service() {
    printf '%s\n' '# gpu-metal' '[Unit]' 'Description=Backup of the Kubernetes cluster' '[Service]' 'Type=oneshot' \
        "ExecStart=$(_program backup)" "SyslogIdentifier=$_unit" 'UMask=0077' 'Nice=10' 'IOSchedulingClass=idle' \
        'TimeoutStartSec=50min'
}

# From the end of one to the next; and soon after each start of the host.
_timer() {
    printf '%s\n' '# gpu-metal' '[Unit]' 'Description=Backups of the Kubernetes cluster' '[Timer]' 'OnActiveSec=15min' \
        "OnUnitInactiveSec=$(input hours)h" 'RandomizedDelaySec=5min' '[Install]' 'WantedBy=timers.target'
}

# The archive's checksum, then those of the two programs
_record() {
    input sha256
    (cd $_home && sha256sum etcdctl etcdutl)
}

_are_ours() { [[ -x $_home/etcdctl && -x $_home/etcdutl ]] && _record | same_file $_home/tools; }

_bring_tools() {
    local archive=$GPU_METAL_HOME/etcd.tar.gz
    bring_artefact "$archive" "etcd's release" 'compare with SHA256SUMS beside it; then correct kubernetes.backup.tools.sha256'
    if ! tar -xzf "$archive" -C $_home --no-same-owner --strip-components=1 --wildcards '*/etcdctl' '*/etcdutl' ||
        [[ ! -x $_home/etcdutl ]]; then
        rm -f "$archive"
        untrue "etcd's release has no etcdctl and etcdutl in its folder." \
            "Fix: kubernetes.backup.tools with etcd-vVERSION-linux-ARCHITECTURE.tar.gz of etcd 3.5 or later"
    fi
    rm -f "$archive"
    _record | write_file $_home/tools 0644
}

# Hours since the last backup; nothing when there was none
_age() {
    local when
    read -r when _ 2>/dev/null <$_state/last || return 0
    printf '%s\n' "$((($(date -u +%s) - when) / 3600))"
}

# The last line of the backup's own
_said() {
    journalctl --sync 2>/dev/null || true
    journalctl -t $_unit -n 1 -o cat 2>/dev/null || true
}

_other_version() {
    local tool server pki=/etc/kubernetes/pki/etcd
    tool=$($_home/etcdutl version | sed -n 's/^etcdutl version: //p')
    server=$(curl -s --noproxy '*' --max-time 5 --cacert $pki/ca.crt --cert $pki/healthcheck-client.crt \
        --key $pki/healthcheck-client.key https://127.0.0.1:2379/version | grep -oE '"etcdserver":"[^"]*' | cut -d '"' -f 4) || true
    if [[ -z $server || ${server%.*} == "${tool%.*}" ]]; then return; fi
    printf 'etcd here is %s, and kubernetes.backup.tools has %s: a backup is best restored by the version that it is of. ' "$server" "$tool"
    printf 'Fix: write the release of %s there' "$server"
}
