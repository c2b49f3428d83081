#!/usr/bin/env bash
# Runs on a control plane, as root: Helm forgets a release, or its revisions of some STATUSES; its objects stay.
# usage: bash -s -- NAMESPACE NAME [STATUSES]
set -euo pipefail
umask 077

kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=30s \
    --namespace "$1" delete secret --selector "owner=helm,name=$2${3:+,status in ($3)}" --ignore-not-found >/dev/null
