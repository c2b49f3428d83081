#!/usr/bin/env bash
# Runs on a control plane, as root: says why a project may not have this namespace, and why it stays; nothing if it may.
# usage: bash -s -- NAMESPACE
set -euo pipefail
umask 077

admin() { kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=30s "$@"; }

# gpu-metal/tenant: the label of projects made by an earlier version
seen=$(admin get namespace "$1" --ignore-not-found -o \
    jsonpath='{.status.phase} {.metadata.labels.gpu-metal/project}{.metadata.labels.gpu-metal/tenant}')
case $seen in
    '') ;;
    Terminating*)
        printf 'ends\n'
        admin get namespace "$1" -o jsonpath='{range .status.conditions[?(@.status=="True")]}{.message}{"\n"}{end}'
        # A pod on a node that is away, or was, has nobody who stops it.
        ready=$(admin get nodes -o jsonpath='{range .items[*]}{.metadata.name}{" "}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' |
            awk '$2 == "True" { print $1 }')
        admin --namespace "$1" get pods -o jsonpath='{range .items[*]}{.metadata.name}{" "}{.spec.nodeName}{"\n"}{end}' |
            while read -r pod node; do
                if [[ -n $node ]] && ! grep -qxF "$node" <<<"$ready"; then
                    printf 'pod %s is on %s, which is not Ready\n' "$pod" "$node"
                fi
            done
        ;;
    *true*) ;;
    *) printf 'foreign\n' ;;
esac
