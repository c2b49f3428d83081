# shellcheck shell=bash
# Functions for steps with `# uses: orchestra`: its database, asked as the superuser or as Orchestra, and its units.

# Its cluster of PostgreSQL, orchestra, is its own: Debian keeps several apart by name.

# cluster_version: the version of Orchestra's cluster, or of the data that a former one left; else the newest installed;
# nothing when there is none
cluster_version() {
    {
        compgen -G '/etc/postgresql/*/orchestra' | awk -F/ '{ print 1, $4 }' || true
        compgen -G '/var/lib/postgresql/*/orchestra' | awk -F/ '{ print 2, $5 }' || true
        compgen -G '/usr/lib/postgresql/*/bin/postgres' | awk -F/ '{ print 3, $5 }' || true
    } | sort -k1,1n -k2,2Vr | awk 'NR == 1 { print $2 }'
}

# cluster_unit: the cluster's systemd unit
cluster_unit() { printf 'postgresql@%s-%s.service\n' "$(cluster_version)" "orchestra"; }

# sql_root DATABASE [psql's ARGUMENT…]: the statements of stdin, run by the superuser on the database's host; the step
# has the input port
sql_root() {
    runuser -u postgres -- psql -p "$(input port)" -XAtq -F $'\t' -v ON_ERROR_STOP=1 -d "$@"
}

# sql [psql's ARGUMENT…]: the statements of stdin, run by Orchestra's own role, from Orchestra's host
sql() {
    (
        orchestra_variables
        PGCONNECT_TIMEOUT=10 exec psql -XAtq -F $'\t' -v ON_ERROR_STOP=1 "$@"
    )
}

# orchestra_variables: exports what Orchestra's commands have in their environment
orchestra_variables() {
    set -a
    # shellcheck disable=SC1091  # a step writes it on the host
    . "/etc/orchestra/orchestra.env"
    set +a
}

# sql_asks [psql's ARGUMENT…] → stdout: as sql; if the database does not answer, ends check or apply with the reason
sql_asks() {
    local said
    said=$(sql "$@" 2>&1) || sql_fault "$said"
    if [[ -n $said ]]; then printf '%s\n' "$said"; fi
}

# sql_fault TEXT: ends check or apply with what psql's message means
sql_fault() {
    local place reason
    place=$(
        orchestra_variables 2>/dev/null
        printf '%s:%s' "${PGHOST-?}" "${PGPORT-?}"
    )
    reason=$(sed -E 's/^psql: error: //; s/^connection to server .* failed: //; s/^(FATAL|ERROR): +//' <<<"$1" | grep -m 1 . || true)
    case $1 in
        *'password authentication failed'* | *'no pg_hba.conf entry'*)
            untrue "the database at $place refuses Orchestra: $reason." \
                "Fix: pulumi up sets its role and password anew; sitectl drift on the database's host says what differs"
            ;;
        *'onnection refused'* | *'imeout expired'* | *'No route'* | *'starting up'* | *'shutting down'* | *'closed the connection'*)
            untrue "the database at $place does not answer: $reason." \
                "Fix: on its host, journalctl -u 'postgresql@*' -n 20 says why; a firewall between the hosts lets port ${place##*:} through"
            ;;
    esac
    untrue "the database at $place says: ${reason:-nothing}. Fix: what it names"
}

# restart_due UNIT: marks it for a restart. Call it before writing: a run that is cut in between still restarts it later.
restart_due() { write_file "$(restart_mark "$1")" 0600 <<<due; }

# restart_mark UNIT: the file that says that it must restart
restart_mark() { printf '%s/%s-due' "$GPU_METAL_HOME" "$1"; }

# port_free PORT WHO KEY: ends check or apply if another program listens on it
port_free() {
    local holder
    holder=$(port_holder "$1")
    if [[ -n $holder ]]; then
        untrue "port $1 is in use by $holder; $2 wants it. Fix: stop what is named, or write another $3"
    fi
}

# last_said FILE: the last line of a program's output, shortened, without a traceback's frames
last_said() {
    { grep -vE '^(\s|Traceback)' "$1" || true; } | { grep . || true; } | tail -n 1 | cut -c -300
}

# orchestra_variable: the name of the variable with the database's URL
orchestra_variable() { sed -n "s/^\([A-Z][A-Z0-9_]*\)='postgresql:.*/\1/p" "/etc/orchestra/orchestra.env"; }
