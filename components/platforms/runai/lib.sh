# shellcheck shell=bash
# What Run:ai's steps and programs share.

# runai_try PROGRAM WORD…: runs it as nobody, with an empty home that goes again; its output and its status
runai_try() {
    local home status=0
    home=$(mktemp -d) && chown 65534:65534 "$home" || return
    (cd "$home" && setpriv --reuid 65534 --regid 65534 --clear-groups env -i PATH=/usr/local/bin:/usr/bin:/bin \
        HOME="$home" timeout -k 5 60 "$@") || status=$?
    rm -rf -- "$home"
    return "$status"
}

# runai_database NAMESPACE POD WORD…: a program of PostgreSQL's in the pod of its database, with the pod's own password: its
# image has it in a variable, or in a file that one names
runai_database() {
    # shellcheck disable=SC2016 # the pod's shell expands it
    kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --namespace "$1" exec -i "$2" -- \
        sh -c 'file=${POSTGRES_POSTGRES_PASSWORD_FILE:-${POSTGRES_PASSWORD_FILE:-}}
        PGPASSWORD=${POSTGRES_POSTGRES_PASSWORD:-${POSTGRES_PASSWORD:-}}
        if [ -n "$file" ]; then PGPASSWORD=$(cat "$file"); fi
        export PGPASSWORD
        exec "$@"' sh "${@:3}"
}

# runai_save NAMESPACE POD FILE: its database as a file, whole or not at all; ends the program with the reason if it cannot
runai_save() {
    local size free folder=${3%/*}
    size=$(runai_database "$1" "$2" psql -U postgres -d backend -tAc 'SELECT pg_database_size(current_database())' </dev/null) ||
        runai_refuse "the database in the pod $2 -n $1 does not answer"
    mkdir -p "$folder"
    free=$(df --output=avail -B1 "$folder" | tail -n 1)
    if ((free < size)); then runai_refuse "$folder has ${free// /} bytes free, and the database has $size"; fi
    runai_database "$1" "$2" pg_dump -U postgres -Fc backend </dev/null >"$3.part" ||
        runai_refuse "pg_dump failed in the pod $2 -n $1"
    # Without its table of contents it would be no backup.
    runai_database "$1" "$2" pg_restore --list <"$3.part" >/dev/null || runai_refuse "pg_dump's file is not whole"
    sync "$3.part"
    mv "$3.part" "$3"
}

runai_refuse() {
    printf '%s\n' "$*" >&2
    exit 1
}
