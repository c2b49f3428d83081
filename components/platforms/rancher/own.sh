#!/usr/bin/env bash
# Runs on a control plane, as root: says why an object of Rancher's may not be made under a name: it is another's, or it,
# or the namespace that Rancher keeps for it, still ends. Prints nothing if it may. Changes nothing.
# usage: bash -s -- KIND NAMESPACE|- NAME [ITS-NAMESPACE]
set -euo pipefail
umask 077

admin() { kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=30s "$@"; }

kind=$1 name=$3 backing=${4-} within=()
if [[ $2 != - ]]; then within=(--namespace "$2"); fi

seen=$(admin "${within[@]}" get "$kind" "$name" --ignore-not-found \
    -o jsonpath='{.metadata.deletionTimestamp} {.metadata.labels.gpu-metal/made}')
case $seen in
    ' true') exit ;;
    ' ') printf 'foreign\n' && exit ;;
    '') ;;
    *) printf 'ends\n%s %s\n' "${kind%%.*}" "$name" && exit ;;
esac
if [[ -n $backing ]]; then
    phase=$(admin get namespace "$backing" --ignore-not-found -o jsonpath='{.status.phase}')
    if [[ -z $phase ]]; then exit; fi
    printf 'ends\nnamespace %s\n' "$backing"
    if [[ $phase == Active ]]; then printf 'nobody has deleted it: kubectl delete namespace %s\n' "$backing"; fi
    admin get namespace "$backing" --ignore-not-found -o jsonpath='{range .status.conditions[?(@.status=="True")]}{.message}{"\n"}{end}'
fi
