# This host is a member of the site's cluster, under its own name and in its own role.
# rows: K2 K3 K4 K5
# inputs: node role begin cluster endpoint pod_subnet service_subnet dns_domain returned
# inputs of a control plane: image_repository kubelet kube_proxy
# bulk: init join
# uses: kubernetes stored
#
# Told apart by what is on the host: none (never began), half (began and did not end: the mark
# /etc/kubernetes/gpu-metal/begun is there) and member (an identity, or a member's data, and no mark).
# Only a half one is ever reset, and one that its own cluster has taken out: etcd never takes that member back, and the
# cluster may have another version by now. A member is adopted.

READY='{.status.conditions[?(@.type=="Ready")].status}'

check() {
    local node differs
    node=$(input node)
    case $(_standing) in
        none) untrue "$node is a member of no cluster" ;;
        half) untrue "kubeadm $(cat /etc/kubernetes/gpu-metal/begun) began here and did not end" ;;
    esac
    if taken_out; then untrue "$node was taken out of the cluster: it joins anew"; fi
    differs=$(_other_role)
    if [[ -n $differs ]]; then untrue "$differs"; fi
    _answers || return 1
    differs=$(_differences)
    if [[ -n $differs ]]; then untrue "$differs"; fi
    if ! _registered; then untrue "the kubelet has an identity, but the cluster has no node $node"; fi
    _settle
}

apply() {
    local standing
    standing=$(_standing)
    if taken_out; then standing=half; fi
    if [[ $standing == member ]]; then
        _mend
    elif [[ -s /run/gpu-metal/ticket ]]; then
        _join "$standing"
    elif [[ $(input begin) == init ]]; then
        _init "$standing"
    else
        _fail "no ticket to join with was brought. Fix: pulumi up brings one"
    fi
}

undo() {
    _leave
    rm -rf /etc/kubernetes/gpu-metal /run/gpu-metal/{ticket,join.yaml}
}

# After a mend, a node is not Ready for some seconds, and then is by itself: `up` ends, and `drift` judges, after them. One
# without a pod network yet, and one whose kubelet does not run, would be waited for in vain. Whether the node is Ready is
# for node_member to say.
_settle() {
    local deadline=$((SECONDS + 60))
    while compgen -G '/etc/cni/net.d/*.conf*' >/dev/null && systemctl is-active --quiet kubelet && ((SECONDS < deadline)); do
        if [[ $(_as kubelet get node "$(input node)" -o "jsonpath=$READY") == True ]]; then return 0; fi
        sleep 2
    done
}

# Another one once this host has joined anew.
tell() {
    _answers
    printf 'node %s\n' "$(_as kubelet get node "$(input node)" -o 'jsonpath={.metadata.uid}')"
}

_standing() {
    if [[ -s /etc/kubernetes/gpu-metal/begun ]]; then
        echo half
    elif [[ -s /etc/kubernetes/kubelet.conf || -d /var/lib/etcd/member ]]; then
        echo member
    else
        echo none
    fi
}

_fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# _as kubelet|admin …
_as() {
    kubectl --kubeconfig "/etc/kubernetes/$1.conf" --cache-dir /run/gpu-metal/kubectl --request-timeout=10s "${@:2}"
}

_server() { sed -n 's/^ *server: *//p' /etc/kubernetes/kubelet.conf | head -n 1; }

_registered() { _as kubelet get node "$(input node)" -o name >/dev/null 2>&1; }

# An API server that flaps costs time, not the run.
_answers() {
    local said deadline=$((SECONDS + 30))
    until said=$(_as kubelet get --raw /readyz 2>&1); do
        if ((SECONDS > deadline)); then break; fi
        sleep 3
    done
    if [[ $said == ok ]]; then return 0; fi
    printf 'the API server %s does not answer: %s%s\n' "$(_server)" "${said##*$'\n'}" "$(_cut_off)$(etcd_full)" >&2
    return 1
}

# Where it is the only one, api_server, which would bring the former one back, is not reached.
_cut_off() {
    local former=/etc/kubernetes/gpu-metal/api-server-before
    if [[ ! -d $former ]]; then return 0; fi
    printf '. A change of it was cut off here. Fix: on %s as root, cp %s/apiserver.* /etc/kubernetes/pki/ && ' "$(input node)" $former
    printf 'cp %s/kube-apiserver.yaml /etc/kubernetes/manifests/; then pulumi up' $former
}

_other_role() {
    local seen=worker node
    node=$(input node)
    if [[ -s /etc/kubernetes/manifests/kube-apiserver.yaml ]]; then seen=control-plane; fi
    if [[ $seen == "$(input role)" ]]; then return 0; fi
    printf '%s is a %s, wants to be a %s; a member changes its role by leaving. ' "$node" "$seen" "$(input role)"
    printf 'Fix: take %s out of the site, pulumi up, then put it in again\n' "$node"
}

# What cannot change in a cluster that runs, and is other than the site says.
_differences() {
    local live key wanted seen
    if ! live=$(_as kubelet -n kube-system get configmap kubeadm-config -o 'jsonpath={.data.ClusterConfiguration}' \
        2>&1); then
        printf 'the cluster at %s does not show its kubeadm-config: %s\n' "$(_server)" "${live##*$'\n'}"
        return 0
    fi
    while read -r key wanted; do
        seen=$(printf '%s\n' "$live" | sed -n "s/^ *$key: *//p" | head -n 1 | tr -d "\"'")
        if [[ $seen == "$wanted" ]]; then continue; fi
        printf '%s of the running cluster is %s, wanted %s; it cannot change in place. ' "$key" "$seen" "$wanted"
        printf 'Fix: put %s back in the site, or take the cluster down first\n' "$seen"
    done < <(_fixed)
    # These can be changed while it runs, but not by this step: it says so rather than pass over them.
    for key in kubelet kube_proxy; do
        wanted=$(input "$key" '') seen=$(previous "$key" '')
        if [[ -z $seen || $seen == "$wanted" ]]; then continue; fi
        printf 'kubernetes.%s of the running cluster is %s, wanted %s; pulumi up does not change it there yet. ' \
            "$(sed 's/_./\U&/g; s/_//g' <<<"$key")" "$seen" "${wanted:-none}"
        printf 'Nothing was changed. Fix: put it back in the site\n'
    done
}

_fixed() {
    printf '%s %s\n' clusterName "$(input cluster)" controlPlaneEndpoint "$(input endpoint)" \
        podSubnet "$(input pod_subnet)" serviceSubnet "$(input service_subnet)" dnsDomain "$(input dns_domain)"
    if [[ $(input role) == control-plane ]]; then printf 'imageRepository %s\n' "$(input image_repository)"; fi
}

# A member that the cluster has lost registers anew; another's member, or one without an identity, is not touched.
_mend() {
    local differs
    if [[ ! -s /etc/kubernetes/kubelet.conf ]]; then
        _fail "/var/lib/etcd holds a member's data, but /etc/kubernetes/kubelet.conf is gone. Nothing was changed." \
            "Fix: restore /etc/kubernetes from a backup; if the data may go: kubeadm reset there, then pulumi up"
    fi
    differs=$(_other_role)$(_differences)
    if [[ -n $differs ]]; then _fail "$differs"; fi
    systemctl restart kubelet
    _await_registered
}

_await_registered() {
    for _ in {1..30}; do
        if _registered; then return 0; fi
        sleep 2
    done
    _fail "the kubelet did not register $(input node) within 60 s. Fix: journalctl -u kubelet -n 50"
}

_init() {
    local skip=""
    # kubeadm before 1.26 has no such phase, and its configuration does not name it.
    if [[ $(bulk init) == *"- show-join-command"* ]]; then skip=show-join-command; fi
    if [[ $1 == half ]]; then
        if _as admin get --raw /livez >/dev/null 2>&1; then
            # The API server is up: what is there stays, and what kubeadm does after that is done (again).
            skip=preflight,certs,kubeconfig,etcd,control-plane,kubelet-start${skip:+,$skip}
        else
            _leave
        fi
    fi
    printf 'init\n' | write_file /etc/kubernetes/gpu-metal/begun 0600
    bulk init | write_file /etc/kubernetes/gpu-metal/init.yaml 0600
    _kubeadm init --config /etc/kubernetes/gpu-metal/init.yaml --skip-token-print ${skip:+"--skip-phases=$skip"}
    rm /etc/kubernetes/gpu-metal/begun
}

# A ticket's lines are `PLACE VALUE`: each value goes to TICKET_PLACE of the configuration.
_join() {
    local config place value status=0
    _refuse_old
    _fit_keys
    if [[ $1 == half ]]; then
        if taken_out; then
            _await_unready
        elif [[ $(input role) == worker ]] && _registered; then
            rm -f /etc/kubernetes/gpu-metal/begun /run/gpu-metal/{ticket,join.yaml}
            return 0
        fi
        _leave
    fi
    config=$(bulk join)
    while read -r place value; do
        config=${config//"TICKET_$place"/"$value"}
    done </run/gpu-metal/ticket
    rm -f /run/gpu-metal/ticket
    printf '%s\n' "$config" | write_file /run/gpu-metal/join.yaml 0600
    printf 'join\n' | write_file /etc/kubernetes/gpu-metal/begun 0600
    _kubeadm join --config /run/gpu-metal/join.yaml || status=$?
    rm -f /run/gpu-metal/join.yaml
    if ((status != 0)); then return "$status"; fi
    rm /etc/kubernetes/gpu-metal/begun # the node itself comes later, from Kubernetes 1.34 on (NodeLocalCRISocket)
    _await_registered
}

# kubeadm would look for its token for five minutes. By the time since boot: a clock that is set meanwhile changes no age.
_refuse_old() {
    local good brought now age
    good=$(sed -n 's/^MINUTES //p' /run/gpu-metal/ticket) brought=$(sed -n 's/^BROUGHT //p' /run/gpu-metal/ticket)
    now=$(cut -d . -f 1 /proc/uptime) age=$(((now - ${brought:-$now}) / 60))
    if ((age < ${good:-$((age + 1))})); then return 0; fi
    rm -f /run/gpu-metal/ticket
    _fail "the ticket to join with is $age min old, and was good for $good: what came before it took so long. Nothing was" \
        "changed here. Fix: pulumi up brings another one"
}

_fit_keys() {
    local said
    # shellcheck disable=SC2046 # one word is one key
    said=$(join_with_keys $(sed -n 's/^KEYS //p' /run/gpu-metal/ticket)) || _fail "$said"
}

# A kubelet registers as soon as its node is let in again, and kubeadm refuses the name of a node that is Ready.
_await_unready() {
    local deadline=$((SECONDS + 120))
    systemctl stop kubelet
    while [[ $(_as kubelet get node "$(input node)" -o "jsonpath=$READY" 2>/dev/null) == True ]] && ((SECONDS < deadline)); do
        sleep 5
    done
}

# kubeadm waits for what the kubelet starts. Its own last lines name neither a kubelet that ends again and again nor why.
_kubeadm() {
    local status=0 ended said
    kubeadm "$@" || status=$?
    if ((status == 0)); then return 0; fi
    ended=$(systemctl show kubelet --property NRestarts --value)
    said=$(journalctl -u kubelet -n 300 -o cat --no-pager | grep -E '^[EF][0-9]{4} ' | tail -n 1) || true
    if ((ended)) && [[ -n $said ]]; then
        printf 'the kubelet ended %s times: %s. Fix: mend that on this host (journalctl -u kubelet), then pulumi up\n' \
            "$ended" "${said#*] }" >&2
    fi
    return "$status"
}

# What kubeadm and the kubelet made here goes, and what kubeadm reset leaves to its user. A member of etcd was taken
# out before, by a survivor: reset itself only warns when it could not.
_leave() {
    local path family left
    if command -v kubeadm >/dev/null; then
        # Through it the pods are ended; without it kubeadm only warns, and they would stay.
        systemctl start containerd
        kubeadm reset --force --skip-phases=remove-etcd-member --cri-socket unix:///run/containerd/containerd.sock
        left=$(ctr --namespace k8s.io containers list --quiet | wc -l)
        if ((left)); then _fail "$left containers of pods did not end. Fix: journalctl -u containerd -n 50; then again"; fi
    fi
    for path in /var/lib/etcd /var/lib/kubelet /etc/kubernetes/manifests; do
        if [[ -d $path ]]; then find "$path" -xdev -mindepth 1 -delete; fi
    done
    rm -rf /etc/kubernetes/{pki,tmp,*.conf} /var/lib/cni/{results,cache} /var/log/{pods,containers}
    rm -rf /usr/libexec/kubernetes/kubelet-plugins
    rmdir /usr/libexec/kubernetes 2>/dev/null || true
    _forget_rules iptables
    _forget_rules ip6tables
    if command -v nft >/dev/null; then
        for family in ip ip6; do nft delete table "$family" kube-proxy 2>/dev/null || true; done
    fi
}

# The chains of kube-proxy, the kubelet and the portmap plugin, and the jumps to them; all others' stay.
_forget_rules() {
    if ! command -v "$1-save" >/dev/null; then return 0; fi
    "$1-save" | awk '
    /^\*/ { print; count = 0 }
    /^:(KUBE|CNI)-/ { chains[count++] = substr($1, 2) }
    /^-A / && $2 !~ /^(KUBE|CNI)-/ && / -[jg] (KUBE|CNI)-/ { sub(/^-A/, "-D"); print }
    /^COMMIT/ {
      for (i = 0; i < count; i++) print "-F " chains[i]
      for (i = 0; i < count; i++) print "-X " chains[i]
      print
    }' | "$1-restore" --noflush
}
