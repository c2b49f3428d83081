#!/bin/sh
# PostgreSQL with the database `backend`, for the user postgres with $POSTGRES_PASSWORD; small, as the lab's machine is.
set -eu
bin=${BIN:-/usr/lib/postgresql/15/bin}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    rm -rf "$PGDATA" # what an interrupted start has left
    printf '%s\n' "$POSTGRES_PASSWORD" |
        "$bin/initdb" -D "$PGDATA" -U postgres -E UTF8 --no-locale --no-sync --pwfile=/dev/stdin \
            --auth-local=trust --auth-host=scram-sha-256 >/dev/null
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
fi
# In an interrupted start the cluster may have been made, and the database not.
[ -e "$PGDATA/backend.made" ] || {
    echo 'CREATE DATABASE backend' | "$bin/postgres" --single -D "$PGDATA" postgres >/dev/null
    : >"$PGDATA/backend.made"
}
exec "$bin/postgres" -D "$PGDATA" -c listen_addresses="${LISTEN:-*}" -c shared_buffers=16MB -c max_connections=20 \
    -c unix_socket_directories="${SOCKETS-/var/run/postgresql}" -p "${PORT:-5432}" -c jit=off
