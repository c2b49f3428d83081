# The machine's row in Orchestra's table node has the site's slots, maxima and queue.
# rows: T3
# inputs: machine cpu gpu max_cpu max_gpu queue
# uses: orchestra
#
# The other columns are Orchestra's own, such as its counters.

check() {
    local seen count
    seen=$(_rows)
    count=$(grep -c . <<<"$seen" || true)
    if ((count == 0)); then untrue "table node has no row of $(input machine)"; fi
    if ((count > 1)); then untrue "table node has $count rows of $(input machine), wants one"; fi
    if [[ $seen != "$(_wanted)" ]]; then untrue "table node has for $(input machine) $(_differs "$seen")"; fi
}

apply() {
    sql_asks "${_values[@]}" <<'SQL' >/dev/null
BEGIN;
LOCK TABLE node IN SHARE ROW EXCLUSIVE MODE;
DELETE FROM node WHERE name = :'machine' AND ctid <> (SELECT min(ctid) FROM node WHERE name = :'machine');
UPDATE node SET "CPUJobs" = :cpu, "GPUJobs" = :gpu, "maxCPUJobs" = :max_cpu, "maxGPUJobs" = :max_gpu,
    "queueName" = :'queue' WHERE name = :'machine';
INSERT INTO node (name, "CPUJobs", "GPUJobs", "maxCPUJobs", "maxGPUJobs", "queueName")
    SELECT :'machine', :cpu, :gpu, :max_cpu, :max_gpu, :'queue'
    WHERE NOT EXISTS (SELECT FROM node WHERE name = :'machine');
COMMIT;
SQL
}

# A machine that the site no longer has leaves the table; a platform that leaves the site leaves all rows in its database.
undo() {
    if [[ $(verb) == apply ]]; then sql_asks "${_values[@]}" <<<"DELETE FROM node WHERE name = :'machine';" >/dev/null; fi
}

_values=()
for _key in machine cpu gpu max_cpu max_gpu queue; do _values+=(-v "$_key=$(input "$_key")"); done

_rows() {
    sql_asks "${_values[@]}" <<<"SELECT \"CPUJobs\", \"GPUJobs\", \"maxCPUJobs\", \"maxGPUJobs\", \"queueName\" FROM node
        WHERE name = :'machine';"
}

_wanted() {
    printf '%s\t%s\t%s\t%s\t%s\n' "$(input cpu)" "$(input gpu)" "$(input max_cpu)" "$(input max_gpu)" "$(input queue)"
}

_differs() {
    paste <(printf '%s\n' CPUJobs GPUJobs maxCPUJobs maxGPUJobs queueName) <(tr '\t' '\n' <<<"$1") <(_wanted | tr '\t' '\n') |
        awk -F'\t' '$2 != $3 { printf "%s%s %s, wants %s", between, $1, $2 == "" ? "empty" : $2, $3; between = "; " }'
}
