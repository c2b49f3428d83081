#!/usr/bin/env bash
# Runs on a control plane, as root: prints what is behind an admission webhook, one fact a line.
# usage: bash -s -- WEBHOOK SERVICE NAMESPACE
set -euo pipefail
umask 077

admin() { kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=30s "$@"; }

# shellcheck disable=SC2016 # $c and $k are the templates'
for kind in validatingwebhookconfiguration mutatingwebhookconfiguration; do
    admin get "$kind" -o go-template='{{range .items}}{{$c := .metadata}}{{range .webhooks}}{{.name}} {{$c.name}} {{with $c.annotations}}{{with index . "meta.helm.sh/release-name"}}{{.}}{{end}}{{end}}{{"\n"}}{{end}}{{end}}' |
        awk -v name="$1" -v kind="$kind" '$1 == name { print "config", kind, $2; if ($3 != "") print "release", $3 }'
done

# shellcheck disable=SC2016
selector=$(admin --namespace "$3" get service "$2" --ignore-not-found \
    -o go-template='service {{range $k, $v := .spec.selector}}{{$k}}={{$v}},{{end}}')
if [[ -z $selector ]]; then exit; fi
selector=${selector#service }
printf 'service\n'

admin --namespace "$3" get pods --selector "${selector%,}" \
    -o go-template='{{range .items}}pod {{.metadata.name}} {{range .status.conditions}}{{if eq .type "Ready"}}{{.status}}{{end}}{{end}} {{.status.phase}}{{range .status.containerStatuses}}{{with .state.waiting}} {{.reason}}{{end}}{{end}}{{"\n"}}{{end}}'

# shellcheck disable=SC2016
admin --namespace "$3" get deployments \
    -o go-template='{{range .items}}{{.metadata.name}} {{.spec.replicas}} {{range $k, $v := .spec.template.metadata.labels}}{{$k}}={{$v}},{{end}}{{"\n"}}{{end}}' |
    while read -r name replicas labels; do
        wanted=yes
        while read -r -d , label; do
            if [[ ,$labels != *,"$label",* ]]; then wanted=; fi
        done <<<"$selector"
        if [[ $wanted ]]; then printf 'deployment %s %s\n' "$name" "$replicas"; fi
    done
