#!/usr/bin/env bash
# Runs on a control plane, as root, after Rancher: takes its finalizers off namespaces, which could not be deleted else.
# usage: bash -s
set -euo pipefail
umask 077

admin() { kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=30s "$@"; }

# namespaces that Rancher made for itself are its own: they stay, and can be deleted, too
admin get namespaces -o \
    jsonpath='{range .items[*]}{.metadata.name}{range .metadata.finalizers[*]}{" "}{@}{end}{"\n"}{end}' |
    while read -r name finalizers; do
        kept='' found=''
        for each in $finalizers; do
            if [[ $each == controller.cattle.io/* ]]; then found=yes; else kept+=",\"$each\""; fi
        done
        if [[ -n $found ]]; then
            admin patch namespace "$name" --type=merge -p "{\"metadata\":{\"finalizers\":[${kept#,}]}}" </dev/null
        fi
    done
