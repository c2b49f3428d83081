#!/usr/bin/env bash
# Runs on a control plane, as root: what Rancher has counted of a project's quota, as JSON. Changes nothing.
# usage: bash -s -- NAMESPACE PROJECT
set -euo pipefail
umask 077

kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=30s --namespace "$1" \
    get projects.management.cattle.io "$2" --ignore-not-found -o jsonpath='{.spec.resourceQuota.usedLimit}'
