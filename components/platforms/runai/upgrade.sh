#!/usr/bin/env bash
# Runs on a control plane, as root, before Run:ai's control plane is upgraded: its database is saved to a file, whose
# name is printed. The ingress controller that releases of 2.x brought is taken away: the site has its own.
# usage: bash -s -- NAMESPACE VERSION [POD]; no POD: the database is not Run:ai's own
set -euo pipefail
umask 077

namespace=$1 version=$2 pod=${3-}
folder=/var/lib/gpu-metal-runai
kube() { kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --namespace "$namespace" "$@"; }
refuse() {
    printf '%s\n' "$*" >&2
    exit 1
}
# In the pod, with its own password: its image has it in a variable, or in a file that one names.
inside() {
    # shellcheck disable=SC2016 # the pod's shell expands it
    kube exec -i "$pod" -- sh -c 'file=${POSTGRES_POSTGRES_PASSWORD_FILE:-${POSTGRES_PASSWORD_FILE:-}}
        PGPASSWORD=${POSTGRES_POSTGRES_PASSWORD:-${POSTGRES_PASSWORD:-}}
        if [ -n "$file" ]; then PGPASSWORD=$(cat "$file"); fi
        export PGPASSWORD
        exec "$@"' sh "$@"
}
save() {
    local size free file
    size=$(inside psql -U postgres -d backend -tAc 'SELECT pg_database_size(current_database())' </dev/null) ||
        refuse "the database in the pod $pod -n $namespace does not answer"
    mkdir -p "$folder"
    free=$(df --output=avail -B1 "$folder" | tail -n 1)
    if ((free < size)); then refuse "$folder has ${free// /} bytes free, and the database has $size"; fi
    file=$folder/backend-$version-$(date -u +%Y%m%dT%H%M%SZ).dump
    inside pg_dump -U postgres -Fc backend </dev/null >"$file.part" || refuse "pg_dump failed in the pod $pod -n $namespace"
    # Without its table of contents it would be no backup.
    inside pg_restore --list <"$file.part" >/dev/null || refuse "pg_dump's file is not whole"
    sync "$file.part"
    mv "$file.part" "$file"
    printf '%s\n' "$file"
}

trap 'rm -f "$folder"/*.part' EXIT
if [[ -n $pod ]]; then save; fi
kube delete deployment "$namespace-nginx-ingress-controller" --ignore-not-found >/dev/null
