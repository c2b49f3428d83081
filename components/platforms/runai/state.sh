#!/usr/bin/env bash
# Runs on a control plane, as root, in a backup of the cluster: the database of Run:ai's control plane, which is on a volume.
# usage: state.sh NAMESPACE POD save FOLDER: nothing where Run:ai is not installed yet; or restore FOLDER: the database that is there stays, under another name
# uses: runai
set -euo pipefail
umask 077

namespace=$1 pod=$2
ask() { runai_database "$namespace" "$pod" psql -XAtq -v ON_ERROR_STOP=1 -U postgres "$@"; }

put_back() {
    local former wanted seen
    former=backend_$(date -u +%Y%m%dt%H%M%S)
    ask -d postgres -c 'DROP DATABASE IF EXISTS backend_restored' </dev/null
    ask -d postgres -c 'CREATE DATABASE backend_restored TEMPLATE template0' </dev/null
    ask -d postgres -c "SELECT format('ALTER DATABASE backend_restored OWNER TO %I', pg_get_userbyid(datdba))
        FROM pg_database WHERE datname = 'backend'" </dev/null | ask -d postgres
    runai_database "$namespace" "$pod" pg_restore --exit-on-error -U postgres --dbname backend_restored <"$1"
    wanted=$(runai_database "$namespace" "$pod" pg_restore --list <"$1" | grep -cE '^[0-9]+; [0-9 ]+ TABLE [^D]') || true
    seen=$(ask -d backend_restored -c "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')" </dev/null)
    if [[ $wanted != "$seen" ]]; then runai_refuse "the backup has $wanted tables, and $seen were restored. Nothing was changed"; fi
    # Its programs connect again by themselves. Both names change at once.
    if ! ask -d postgres <<SQL
ALTER DATABASE backend ALLOW_CONNECTIONS false;
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'backend';
BEGIN;
ALTER DATABASE backend RENAME TO $former;
ALTER DATABASE backend_restored RENAME TO backend;
COMMIT;
ALTER DATABASE $former ALLOW_CONNECTIONS true;
SQL
    then
        ask -d postgres -c 'ALTER DATABASE backend ALLOW_CONNECTIONS true' </dev/null || true
        runai_refuse "the database that is there stays: it did not take another name. What was restored is backend_restored"
    fi
    printf 'The database that was there is %s now: DROP DATABASE %s when you do not need it.\n' "$former" "$former"
}

# Its pod alone may be away for a moment. Not in a condition: a question without an answer must not pass for "not there".
save() {
    local seen
    seen=$(kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --namespace "$namespace" \
        get statefulset "${pod%-*}" --ignore-not-found -o name)
    if [[ -n $seen ]]; then runai_save "$namespace" "$pod" "$1/backend.dump"; fi
}

case $3 in
    save) save "$4" ;;
    restore) put_back "$4/backend.dump" ;;
esac
