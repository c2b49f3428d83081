# No alert fires. Words: NAMESPACE SERVICE PORT

at=/api/v1/namespaces/$1/services/http:$2:$3/proxy/api/v1/query
# Watchdog and InfoInhibitor, of severity none, fire always, and info is for other alerts only.
firing='count by (alertname, severity, host) (ALERTS{alertstate="firing", severity!~"none|info"})'
query=$(printf '%s' "$firing" | od -An -v -tx1 | tr -d '\n' | tr ' ' '%')
if ! answer=$(kubectl get --raw "$at?query=$query" 2>/dev/null); then
    untrue "Prometheus does not answer. Fix: see the check of its targets"
fi
part() { sed -nE "s/.*\"$1\":\"([^\"]*)\".*/\1/p"; }
critical='' other='' hosts=''
while IFS= read -r line; do
    if [[ -z $line ]]; then continue; fi
    host=$(part host <<<"$line")
    one=$(part alertname <<<"$line")${host:+ ($host)}
    if [[ -n $host && " $hosts " != *" $host "* ]]; then hosts+="${hosts:+ }$host"; fi
    case $(part severity <<<"$line") in
        critical) critical+="${critical:+, }$one" ;;
        *) other+="${other:+, }$one" ;;
    esac
done < <(grep -o '"metric":{[^}]*}' <<<"$answer" || true)
how="docs/parts/monitoring/how-to.md has each alert"
if [[ -n $hosts ]]; then how="./sitectl verify $hosts; $how"; fi
if [[ -n $critical ]]; then untrue "critical alerts fire: $critical${other:+; others: $other}. Fix: $how"; fi
if [[ -n $other ]]; then remark "alerts fire: $other. Fix: $how"; else printf 'no alert fires\n'; fi
