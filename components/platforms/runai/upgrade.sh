#!/usr/bin/env bash
# Runs on a control plane, as root, before Run:ai's control plane is upgraded: its database is saved to a file, whose
# name is printed. The ingress controller that releases of 2.x brought is taken away: the site has its own.
# usage: bash -s -- NAMESPACE VERSION [POD]; no POD: the database is not Run:ai's own
# uses: runai
set -euo pipefail
umask 077

namespace=$1 version=$2 pod=${3-}
folder=/var/lib/gpu-metal-runai
kube() { kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --namespace "$namespace" "$@"; }
save() {
    local file
    file=$folder/backend-$version-$(date -u +%Y%m%dT%H%M%SZ).dump
    runai_save "$namespace" "$pod" "$file"
    printf '%s\n' "$file"
}

trap 'rm -f "$folder"/*.part' EXIT
if [[ -n $pod ]]; then save; fi
kube delete deployment "$namespace-nginx-ingress-controller" --ignore-not-found >/dev/null
