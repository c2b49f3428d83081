# Orchestra's table node has no rows of machines that the site does not name.
# rows: T3
# inputs: machines
# uses: orchestra
#
# Not undone: rows that were deleted stay away: the site has the whole table.

check() {
    local strange
    strange=$(sql_asks -v "machines=$(input machines)" <<<"SELECT coalesce(name, 'without a name') || ' (CPUJobs ' ||
        coalesce(\"CPUJobs\"::text, 'empty') || ', GPUJobs ' || coalesce(\"GPUJobs\"::text, 'empty') || ')' FROM node
        WHERE name IS NULL OR name <> ALL (string_to_array(:'machines', ' ')) ORDER BY 1;")
    if [[ -n $strange ]]; then
        untrue "table node has rows that the site does not name: ${strange//$'\n'/, }." \
            "Fix: pulumi up deletes them; to keep one, write it under nodes first"
    fi
}

apply() {
    sql_asks -v "machines=$(input machines)" <<<"DELETE FROM node
        WHERE name IS NULL OR name <> ALL (string_to_array(:'machines', ' '));" >/dev/null
}
