#!/usr/bin/env bash
# Runs on a control plane, as root: prints the kinds of an API group that are not of one release of Helm.
# usage: bash -s -- NAMESPACE NAME GROUP
set -euo pipefail
umask 077

# shellcheck disable=SC2016 # $a is the template's
kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=30s get crd \
    -o go-template='{{range .items}}{{$a := .metadata.annotations}}{{.spec.group}} {{.metadata.name}} {{with $a}}{{with index . "meta.helm.sh/release-name"}}{{.}}{{end}} {{with index . "meta.helm.sh/release-namespace"}}{{.}}{{end}}{{end}}{{"\n"}}{{end}}' |
    awk -v namespace="$1" -v name="$2" -v group="$3" '$1 == group && ($3 != name || $4 != namespace) {
        print $2 ($3 == "" ? ", which no release of Helm has" : " of the release " $3 " in " $4)
    }'
