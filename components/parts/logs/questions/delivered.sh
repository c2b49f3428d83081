# The agent of each node brings its logs to the store. Words: NAMESPACE NAME KEY, which opens their measurements

pods=$(kubectl get pods -n "$1" -l "app.kubernetes.io/instance=$2" -o 'jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName}{"\n"}{end}' 2>/dev/null)
if [[ -z $pods ]]; then untrue "no agent runs. Fix: kubectl -n $1 get daemonsets,events"; fi
# value NAME: the sum of a measurement, over the lines on stdin
value() { awk -v "name=$1" 'index($1, name) == 1 { sum += $NF } END { print sum + 0 }'; }
silent='' stuck='' count=0
while read -r pod node; do
    if ! seen=$(kubectl get --raw "/api/v1/namespaces/$1/pods/$pod:9429/proxy/metrics?authKey=$3" 2>/dev/null); then
        silent+="${silent:+, }$node"
        continue
    fi
    sent=$(value 'vlagent_remotewrite_requests_total{url="1:secret-url",status_code="2XX"}' <<<"${seen//, /,}")
    pending=$(value vlagent_remotewrite_pending_data_bytes <<<"$seen")
    if ((sent == 0 && pending > 0)); then stuck+="${stuck:+, }$node"; fi
    count=$((count + 1))
done <<<"$pods"
if [[ -n $stuck ]]; then
    untrue "agents deliver nothing: $stuck. Fix: kubectl -n $1 logs daemonset/$2-victoria-logs-collector says why;" \
        "401 is another password than the store's: kubectl -n logs rollout restart statefulset"
fi
if [[ -n $silent ]]; then untrue "agents do not answer: $silent. Fix: kubectl -n $1 get pods -o wide"; fi
printf '%s agents deliver\n' "$count"
