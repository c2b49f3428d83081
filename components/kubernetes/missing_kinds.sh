#!/usr/bin/env bash
# Runs on a control plane, as root: prints which of the given kinds the cluster does not have.
# usage: bash -s -- PLURAL.GROUP…
set -euo pipefail
umask 077

for kind; do
    seen=$(kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=30s \
        get customresourcedefinition "$kind" --ignore-not-found -o name)
    if [[ -z $seen ]]; then
        printf '%s\n' "$kind"
    fi
done
