# Orchestra's tables are in its database, and were created by its own command for this site.
# rows: T2
# inputs: path user recreate id
# uses: orchestra
#
# The command runs once, in a database without tables. undo keeps the tables: they hold users' jobs.

check() {
    local tables lacks
    tables=$(_tables)
    if [[ -z $tables ]]; then untrue "the database $(_name) has no tables yet"; fi
    if ! _ours; then
        if [[ $(input recreate) == yes-lose-data || -e $(_begun) ]]; then untrue "the database $(_name) has tables to be made anew"; fi
        _foreign "$tables"
    fi
    lacks=$(_lacks)
    if [[ -n $lacks ]]; then
        untrue "table node of the database $(_name) lacks $lacks: this Orchestra keeps its machines in another way." \
            "Fix: source: a revision whose table node has name, CPUJobs, GPUJobs, maxCPUJobs, maxGPUJobs and queueName"
    fi
}

apply() {
    local tables
    tables=$(_tables)
    if [[ -n $tables ]] && ! _ours; then
        if [[ ! -e $(_begun) ]]; then
            if [[ $(input recreate) != yes-lose-data ]]; then _foreign "$tables"; fi
            _save
        fi
        printf 'begun\n' | write_file "$(_begun)" 0600
        # The role owns the database; this drops what it owns there, and nothing of other roles.
        sql_asks <<<'DROP OWNED BY CURRENT_USER CASCADE;' >/dev/null
        tables=$(_tables)
        if [[ -n $tables ]]; then
            untrue "the database $(_name) has tables of other roles, which Orchestra may not drop: ${tables//$'\n'/, }." \
                "Fix: drop them as their owner, or write another database.name"
        fi
    fi
    if [[ -z $tables ]]; then _create; fi
}

undo() {
    rm -f -- "$(_begun)" "$GPU_METAL_HOME/orchestra-tables.log"
    printf 'left: the tables, with all their rows\n'
}

_name() { (orchestra_variables && printf '%s' "$PGDATABASE"); }
_begun() { printf '%s/orchestra-tables-begun' "$GPU_METAL_HOME"; }

_tables() {
    sql_asks <<<"SELECT CASE schemaname WHEN 'public' THEN '' ELSE schemaname || '.' END || tablename FROM pg_tables
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1;"
}

# The comment on the table node stays with it in backups.
_ours() {
    local comment
    # A database that does not answer must not look like one with foreign tables.
    comment=$(sql_asks <<<"SELECT obj_description(to_regclass('public.node'), 'pg_class');") || exit
    [[ $comment == gpu-metal:* ]]
}

_foreign() {
    untrue "the database $(_name) has tables that were not created for this site: ${1//$'\n'/, }. Nothing was changed." \
        "Fix: write another database.name; or, to drop them with their data: database.recreate: yes-lose-data"
}

_lacks() {
    sql_asks <<<"SELECT string_agg(wanted, ', ') FROM unnest(ARRAY['name', 'CPUJobs', 'GPUJobs', 'maxCPUJobs', 'maxGPUJobs',
        'queueName']) wanted WHERE wanted NOT IN (SELECT column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = 'node');"
}

_save() {
    local file said
    file=$(input path)/dropped-$(date -u +%Y%m%dT%H%M%SZ).dump
    said=$( (orchestra_variables && umask 077 && exec pg_dump --format custom --file "$file") 2>&1) ||
        untrue "the tables cannot be saved before they are dropped: $(head -n 1 <<<"$said"). Nothing was changed. Fix: what it names"
    remark "dropped the tables that were there; they are in $file"
}

_create() {
    local log=$GPU_METAL_HOME/orchestra-tables.log status=0
    printf 'begun\n' | write_file "$(_begun)" 0600
    runuser -u "$(input user)" -- "/etc/orchestra/run" create-tables >"$log" 2>&1 </dev/null || status=$?
    if ((status)); then
        untrue "Orchestra's command for its tables ended with status $status: $(last_said "$log"). All of it: $log." \
            "Fix: commands.createTables, or what it names; the database's URL is in $(orchestra_variable)"
    fi
    if [[ $(sql_asks <<<"SELECT to_regclass('public.node') IS NULL;") == t ]]; then
        untrue "Orchestra's command for its tables ended well and made no table node in the database $(_name)." \
            "Fix: its script must read the database's URL from $(orchestra_variable)"
    fi
    sql_asks <<<"COMMENT ON TABLE node IS 'gpu-metal: created by $(input id)';" >/dev/null
    rm -f -- "$(_begun)"
}
