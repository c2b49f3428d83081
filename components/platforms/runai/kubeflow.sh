#!/usr/bin/env bash
# Runs on a control plane, as root: prints which of Kubeflow's kinds the cluster does not have.
# usage: bash -s
set -euo pipefail
umask 077

for kind in profiles.kubeflow.org poddefaults.kubeflow.org; do
    if [[ -z $(kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=30s \
        get customresourcedefinition "$kind" --ignore-not-found -o name) ]]; then
        printf '%s\n' "$kind"
    fi
done
