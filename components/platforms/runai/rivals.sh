#!/usr/bin/env bash
# Runs on a control plane, as root: other releases of Run:ai's own chart, `NAMESPACE NAME VERSION`, one a line.
# usage: bash -s -- NAMESPACE NAME MARK CHART…   NAMESPACE and NAME are ours; MARK is a value that only Run:ai's chart has
set -euo pipefail
umask 077

own="$1 $2" mark=$3
shift 3
charts=$(printf '|%s' "$@")

# Helm keeps each revision of a release in a Secret, compressed; of a release's metadata the chart's name comes first.
kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=30s \
    get secrets --all-namespaces --selector 'owner=helm,status!=superseded,status!=uninstalled' \
    --output go-template='{{range .items}}{{.metadata.namespace}} {{.metadata.labels.name}} {{.data.release | base64decode}}{{"\n"}}{{end}}' |
    while read -r namespace name text; do
        if [[ "$namespace $name" == "$own" ]]; then continue; fi
        text=$(base64 -d <<<"$text" | gzip -dc)
        if [[ $text =~ \"chart\":\{\"metadata\":\{\"name\":\"(${charts:1})\" && $text == *"\"$mark\""* ]]; then
            version=$(grep -oE '"chart":\{"metadata":\{[^}]*"version":"[^"]+"' <<<"$text" | grep -oE '[^"]+"$' || true)
            printf '%s %s %s\n' "$namespace" "$name" "${version%\"}"
        fi
    done | sort -u
