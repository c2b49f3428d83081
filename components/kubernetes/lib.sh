# shellcheck shell=bash
# For steps with `# uses: kubernetes`: questions to the API server, from a control plane.

# cluster_api WORD…: kubectl as the cluster's administrator. An API server that is away for a moment is waited for, 30 s.
# `get` is just tried first, since a start of kubectl costs more than all else that a check does; it reads no stdin here.
cluster_api() {
    local deadline=$((SECONDS + 30)) seen
    if [[ $1 == get || ${3-} == get ]] && seen=$(_cluster_kubectl "$@" 2>/dev/null </dev/null); then
        if [[ -n $seen ]]; then printf '%s\n' "$seen"; fi
        return 0
    fi
    until _cluster_kubectl get --raw /readyz >/dev/null 2>&1 || ((SECONDS > deadline)); do sleep 2; done
    _cluster_kubectl "$@"
}

# GOGC: most of what kubectl makes as it starts is kept to its end; Go would look through it again and again.
_cluster_kubectl() {
    GOGC=400 kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=20s "$@"
}

# node_seen NODE: what the cluster has of it, a line `label KEY=VALUE`, `taint KEY=VALUE:EFFECT` or `ready STATUS MESSAGE`
# each; nothing when it has no such node. A run that only asks gets all nodes by one question.
node_seen() {
    if [[ -n ${gm_once-} ]]; then once nodes _nodes_seen; else _nodes_seen "metadata.name=$1"; fi |
        awk -v name="$1 " 'index($0, name) == 1 { print substr($0, length(name) + 1) }'
}

_nodes_seen() { # [FIELDS]
    # shellcheck disable=SC2016 # the variables are the template's
    cluster_api get nodes --field-selector "${1-}" -o go-template='
{{- range .items}}{{$n := .metadata.name}}{{range $k, $v := .metadata.labels}}{{$n}} label {{$k}}={{$v}}{{"\n"}}{{end}}
{{- range .spec.taints}}{{$n}} taint {{.key}}{{with .value}}={{.}}{{end}}:{{.effect}}{{"\n"}}{{end}}
{{- range .status.conditions}}{{if eq .type "Ready"}}{{$n}} ready {{.status}} {{.message}}{{"\n"}}{{end}}{{end}}{{end}}'
}

# node_condition NODE: `node`, `cordoned` and `ready` as far as they are true; nothing when the cluster has no such node
node_condition() {
    cluster_api get node "$1" --ignore-not-found -o go-template='node
{{- if .spec.unschedulable}} cordoned{{end}}
{{- range .status.conditions}}{{if and (eq .type "Ready") (eq .status "True")}} ready{{end}}{{end}}'
}

# node_left NODE: the pods that a drain moves, NAMESPACE/NAME a line
node_left() {
    cluster_api get pods --all-namespaces --field-selector "spec.nodeName=$1" -o go-template='
{{- range .items}}{{.status.phase}} -{{range .metadata.ownerReferences}}{{.kind}}{{end}}
{{- with .metadata.annotations}}{{if index . "kubernetes.io/config.mirror"}}Mirror{{end}}{{end}} {{.metadata.namespace}}/{{.metadata.name}}{{"\n"}}{{end}}' |
        awk '$1 != "Succeeded" && $1 != "Failed" && $2 !~ /DaemonSet|Mirror/ { print $3 }'
}

# taken_out: was this host a member of the cluster, until that took it out (state: gone)? A ticket says so, and its cluster
# is the one that this host was in: by the hash of the authority's key, as kubeadm has it.
taken_out() {
    local hash pki=/etc/kubernetes/pki/ca.crt
    if ! grep -qsx 'OUT yes' /run/gpu-metal/ticket || [[ ! -s $pki ]]; then return 1; fi
    hash=$(openssl x509 -in $pki -noout -pubkey | openssl pkey -pubin -outform der | sha256sum)
    grep -qx "CA_HASH sha256:${hash%% *}" /run/gpu-metal/ticket
}

# version_forbidden SEEN WANTED: why Kubernetes cannot go there, and what to do; nothing when it can
version_forbidden() {
    local from to
    IFS=. read -ra from <<<"$1"
    IFS=. read -ra to <<<"$2"
    if [[ $1 != "$2" && $(printf '%s\n%s\n' "$1" "$2" | sort -V | tail -n 1) == "$1" ]]; then
        printf 'Kubernetes does not go back to an older version. Nothing was changed. Fix: put %s as kubernetes.version in the' "$1"
        printf ' site; to have the cluster as it was, restore a backup from before its upgrade'
    elif ((to[0] != from[0] || to[1] > from[1] + 1)); then
        printf 'Kubernetes goes up by one minor version at a time. Nothing was changed. Fix: the newest %d.%d as' "${from[0]}" "$((from[1] + 1))"
        printf ' kubernetes.version first, then pulumi up'
    fi
}

# node_drain NODE SECONDS → REPLY: moves its pods away, and says what it waits for. Status 2 when the node is not Ready:
# nothing is evicted, as nobody there would end its pods. Status 1, and in REPLY why, when pods stay.
node_drain() {
    local seen said='' blocked before='' deadline=$((SECONDS + $2))
    REPLY=''
    while ((SECONDS < deadline)); do
        if ! seen=$(node_condition "$1"); then
            REPLY='no API server answers'
            sleep 2
            continue
        fi
        if [[ $seen != *ready* ]]; then return 2; fi
        said=$(cluster_api --request-timeout=0 drain "$1" --ignore-daemonsets --delete-emptydir-data --timeout=60s 2>&1) &&
            return 0
        blocked=$(_node_blocked "$said")
        REPLY=${blocked:-${said##*$'\n'}}
        # No controller would start them again elsewhere: to wait changes nothing.
        if [[ $said == *'use --force to override'* ]]; then return 1; fi
        if [[ $blocked != "$before" ]]; then printf 'waits for node %s: %s\n' "$1" "${blocked:-its pods end}"; fi
        before=$blocked
        sleep 2
    done
    return 1
}

# The pods that a PodDisruptionBudget keeps, of what drain said
_node_blocked() {
    local pods
    pods=$(sed -nE 's/.*pods\/"([^"]+)" -n "([^"]+)".*disruption budget.*/\2\/\1/p' <<<"$1" | sort -u)
    if [[ -n $pods ]]; then printf 'a PodDisruptionBudget allows no eviction of %s' "${pods//$'\n'/, }"; fi
}

# node_await_jobs NODE MINUTES WORDS → REPLY: waits until no job with GPUs runs there. Status 1, and in REPLY the pods, when
# some still do. WORDS: how words begin by which a pod has GPUs, with | between.
node_await_jobs() {
    local deadline=$((SECONDS + $2 * 60))
    REPLY=''
    while (($2)); do
        # Callers ask in a condition, where a failure does not end the script: it must not pass for no jobs.
        if ! REPLY=$(_node_jobs "$1" "$3"); then REPLY='what runs there is not known, as no API server answers'; fi
        if [[ -z $REPLY ]]; then return 0; fi
        if ((SECONDS >= deadline)); then return 1; fi
        sleep 10
    done
}

# Pods with GPUs that end by themselves: those of Deployments and the like are always started again.
_node_jobs() {
    # shellcheck disable=SC2016 # $key and $value are the template's
    cluster_api get pods --all-namespaces --field-selector "spec.nodeName=$1" -o go-template='
{{- range .items}}{{.status.phase}} {{.spec.restartPolicy}} {{.metadata.namespace}}/{{.metadata.name}}
{{- if .spec.resourceClaims}} resourceClaims{{end}}{{range $key, $value := .metadata.annotations}} {{$key}}{{end}}
{{- range .spec.containers}}{{with .resources}}{{with .limits}}{{range $key, $value := .}} {{$key}}{{end}}{{end}}{{end}}{{end}}{{"\n"}}{{end}}' |
        awk -v "gpu= ($2)" '$1 ~ /^(Running|Pending)$/ && $2 != "Always" && $0 ~ gpu { print $3 }'
}

# etcd_full: what to do where this host's etcd has no room for its data; nothing if it has, or runs elsewhere. It takes room
# for its next log, 64 MB, when it starts.
etcd_full() {
    local free data=/var/lib/etcd
    if [[ ! -d $data/member ]]; then return 0; fi
    free=$(df --output=avail -B 1M $data | tail -n 1)
    if ((free < 64)); then printf '. The disk of %s is full: %d MB free. Fix: free some (df -h %s); then pulumi up' $data "$free" $data; fi
}

# api_server_process: the process of this host's API server, not one of a cluster in its pods; nothing when there is none
api_server_process() {
    local process address
    address=$(_advertised)
    for process in $(pgrep -x kube-apiserver); do
        if grep -qzxF -- "--advertise-address=$address" "/proc/$process/cmdline" 2>/dev/null; then
            printf '%s\n' "$process"
            return 0
        fi
    done
}

# by_argument: each line once, by names. Of an argument that is there twice (service-account-issuer), the first counts
# otherwise than the second.
by_argument() { awk '!there[$0]++' | LC_ALL=C sort -s -t = -k 1,1; }

# api_server_arguments: those of its process, by_argument; nothing when there is none
api_server_arguments() {
    { tr '\0' '\n' <"/proc/$(api_server_process)/cmdline" | sed 1d | by_argument; } 2>/dev/null || true
}

# api_server_runs: is there a process? One that was just restarted is waited for.
api_server_runs() {
    local deadline=$((SECONDS + 30))
    until [[ -n $(api_server_process) ]]; do
        if ((SECONDS >= deadline)); then return 1; fi
        sleep 2
    done
}

# api_server_is_newer FILE: was its process started since the file was written? A second is the clocks' own measure.
api_server_is_newer() {
    local age
    age=$(ps -o etimes= -p "$(api_server_process)" 2>/dev/null) && (($(date +%s) - age + 1 >= $(stat -c %Y "$1")))
}

# api_server_shows FILE: is this the certificate that it shows?
api_server_shows() {
    local shown
    shown=$(openssl s_client -connect "$(_own_server | sed 's|https://||')" </dev/null 2>/dev/null | openssl x509 2>/dev/null) ||
        return 1
    [[ $shown == "$(openssl x509 -in "$1")" ]]
}

# api_server_is_ready: this host's, not another behind the same endpoint. The kubelet ends one that refuses its probes,
# and it asks without signing in.
api_server_is_ready() {
    [[ $(_cluster_kubectl --server "$(_own_server)" --request-timeout=5s get --raw /readyz 2>/dev/null) == ok &&
    $(_to_the_kubelet) == 200 ]]
}

_advertised() { sed -nE 's/^ +- --advertise-address=//p' /etc/kubernetes/manifests/kube-apiserver.yaml 2>/dev/null || true; }

_own_server() {
    local address
    address=$(_advertised)
    if [[ $address == *:* ]]; then address="[$address]"; fi
    printf 'https://%s:6443\n' "$address"
}

_to_the_kubelet() { curl -ks --noproxy '*' --max-time 5 -o /dev/null -w '%{http_code}' "$(_own_server)/livez" || true; }

api_server_logs() { compgen -G '/var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log' | LC_ALL=C sort || true; }

# api_server_said: why it does not do, as one line: that it refuses the kubelet; or the last error in its container's log,
# or the log's last line if none of them looks like one
api_server_said() {
    local lines code
    code=$(_to_the_kubelet)
    if [[ $code == 40[13] ]]; then
        printf 'it answers the kubelet, which asks for /livez without signing in, with %s, and the kubelet ends it for that\n' "$code"
        return 0
    fi
    lines=$(find /var/log/pods/kube-system_kube-apiserver-* -name '*.log' -printf '%T@ %p\n' 2>/dev/null | sort -n |
        tail -n 2 | cut -d ' ' -f 2- | xargs -r tail -q -n 40 -- | sed -E 's/^\S+ std(out|err) [FP] //')
    { grep -E '^Error: |^[EF][0-9]{4} .*run\.go' <<<"$lines" || printf '%s\n' "$lines"; } |
        tail -n 1 | sed -E 's/^[EF][0-9]{4} [^]]*\] //' | cut -c 1-400
}

# api_server_aside away SECONDS, then back: in between, it gets no new connections by the address that moves
api_server_aside() { [[ ! -x /usr/local/sbin/gpu-metal-endpoint ]] || /usr/local/sbin/gpu-metal-endpoint "$@" >/dev/null; }

# api_server_restart: ends the API server, which the kubelet starts again, and waits until it is ready; otherwise prints its
# last words. One that ended often of late, the kubelet lets wait for up to five minutes; started anew, it does not remember
# that. One that has ended twice by then will not come up.
api_server_restart() {
    local old before now deadline waits=yes
    api_server_aside away 900
    before=$(api_server_logs) now=$before
    old=$(api_server_process) deadline=$((SECONDS + 400))
    if [[ -n $old ]]; then kill -TERM "$old"; fi
    while ((SECONDS < deadline)); do
        if [[ $(api_server_process) != "$old" ]] && api_server_is_ready; then api_server_aside back && return; fi
        if [[ -n $waits && -z $(api_server_process) ]] && ((SECONDS > deadline - 370)); then systemctl restart kubelet && waits=''; fi
        # A log is deleted with its container, when there is a newer one.
        now=$({ printf '%s\n' "$now" && api_server_logs; } | LC_ALL=C sort -u)
        if (($(wc -l <<<"$now") - $(wc -l <<<"$before") > 2)); then break; fi
        sleep 1
    done
    api_server_aside back
    api_server_said
    return 1
}

# certificate_has NAME FILE: a name, or an address in any spelling: openssl compares it itself
certificate_has() {
    if [[ $1 == *:* || $1 =~ ^[0-9.]+$ ]]; then
        openssl x509 -in "$2" -noout -checkip "$1" | grep -q ' does match '
    else
        certificate_names "$2" | grep -qxF -- "DNS:$1"
    fi
}

# certificate_names FILE: `DNS:NAME` and `IPAddress:ADDRESS`, sorted
certificate_names() {
    openssl x509 -in "$1" -noout -ext subjectAltName | sed 1d | tr -d ' ' | tr ',' '\n' | LC_ALL=C sort -u
}

# pod_fields: of the YAML of a pod on stdin, what people change in one, a line each: arguments, images, mounts, environment,
# probes, resources, names of hosts
pod_fields() {
    local path='{range .spec.containers[0].command[*]}{@}{"\n"}{end}{range .spec.containers[*]}container {.name}={.image}{"\n"}{end}'
    path+='{range .spec.containers[0].volumeMounts[*]}mount {.name} {.mountPath}{"\n"}{end}'
    path+='{range .spec.containers[0].env[*]}env {.name}={.value}{.valueFrom}{"\n"}{end}'
    path+='{range .spec.hostAliases[*]}hostAlias {.ip} {.hostnames}{"\n"}{end}'
    path+='{range .spec.containers[0]}livenessProbe={.livenessProbe}{"\n"}readinessProbe={.readinessProbe}{"\n"}'
    path+='startupProbe={.startupProbe}{"\n"}resources={.resources}{"\n"}{end}'
    kubectl patch --local -f - --type merge -p '{}' -o "jsonpath=$path" |
        grep -E '^(--|container |mount |env |hostAlias |(liveness|readiness|startup)Probe=|resources=)'
}

# lines_differ SEEN WANTED: of sorted lines, by their names; nothing when there is no difference
lines_differ() {
    awk -F= '
    NR == FNR { seen[$1] = seen[$1] " " $0; next }
    { wanted[$1] = wanted[$1] " " $0 }
    END {
      for (name in wanted)
        if (!(name in seen)) print name " is absent" (wanted[name] == " " name ? "" : ", wanted" wanted[name])
        else if (seen[name] != wanted[name]) print "saw" seen[name] ", wanted" wanted[name]
      for (name in seen) if (!(name in wanted)) print substr(seen[name], 2) " is there, the site does not give it"
    }' <(printf '%s\n' "$1") <(printf '%s\n' "$2") | sed '/^ /d' | LC_ALL=C sort | paste -sd ';' | sed 's/;/; /g'
}

# etcd's own HTTP door: no etcdctl is needed, and no API server.
etcd_call() {
    curl --silent --show-error --fail --max-time 20 --cacert /etc/kubernetes/pki/etcd/ca.crt \
        --cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key "$@"
}

# One `{"ID":"…", …}` a line
etcd_members() { etcd_call https://127.0.0.1:2379/v3/cluster/member/list --data '{}' | grep -o '{"ID"[^}]*}'; }

# ports_closed HOST PORT…: does the host itself say that nothing listens there? One that is off says nothing.
ports_closed() {
    local port
    for port in "${@:2}"; do
        # shellcheck disable=SC2016 # the inner bash expands it
        [[ $(timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/$2"' _ "${1//[\[\]]/}" "$port" 2>&1) == *'Connection refused'* ]] || return 1
    done
}
