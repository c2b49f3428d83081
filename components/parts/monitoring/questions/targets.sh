# Prometheus gets an answer from all that it measures. Words: NAMESPACE SERVICE PORT JOB=COUNT…

at=/api/v1/namespaces/$1/services/http:$2:$3/proxy/api/v1/query
place="-n $1 service $2"
shift 3
# Lines of JOB NUMBER: how many targets of a job are counted by an expression of PromQL.
counted() {
    local query
    query=$(printf '%s' "count by (job) ($1)" | od -An -v -tx1 | tr -d '\n' | tr ' ' '%')
    { kubectl get --raw "$at?query=$query" | grep -o '"metric":{[^}]*},"value":\[[^]]*\]' || true; } |
        sed -E 's/.*"job":"([^"]*)".*,"([0-9]+)"\]$/\1 \2/'
}
if ! kubectl get --raw "$at?query=1" >/dev/null 2>&1; then
    untrue "Prometheus does not answer at $place. Fix: see kubectl get pods ${place%% service*} -o wide there"
fi
all=$(counted up)
silent=$(counted 'up == 0' | awk '{ print $1 " (" $2 ")" }' | paste -sd, | sed 's/,/, /g')
lacking=
for wanted; do
    seen=$(awk -v job="${wanted%=*}" '$1 == job { print $2 }' <<<"$all")
    if ((${seen:-0} < ${wanted##*=})); then lacking+="${lacking:+, }${wanted%=*} (${seen:-0} of ${wanted##*=})"; fi
done
if [[ -n $lacking ]]; then
    untrue "Prometheus does not know all targets of $lacking. Fix: see kubectl get servicemonitors,pods -A there"
fi
if [[ -n $silent ]]; then
    untrue "targets do not answer: $silent. Fix: see kubectl get --raw ${at%/query}/targets?state=active there"
fi
printf 'targets up: %s\n' "$(awk '{ all += $2 } END { print all + 0 }' <<<"$all")"
