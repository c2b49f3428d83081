# SQream answers a query, by a worker that its master chose.
# rows: Q7
# inputs: port
#
# The query is one of the account and password of SQream's guide, which are no secret: while they are accepted, check says so.
#
# Not undone: nothing is written.

check() {
    local said status=0
    said=$(gpu-metal-sqream query) || status=$?
    case $status in
        0)
            remark "SQream accepts the password of its guide for its first account, sqream: who reaches port $(input port) may" \
                "read and change all data. Fix: change that password in SQream"
            ;;
        3) remark "no query was run: SQream refuses the password of its guide, as it should ($said)" ;;
        *)
            untrue "SQream answers no query: $said. Fix: sqream client --master -u sqream -w sqream in sqream-console," \
                "select 1; there: then mend what it says"
            ;;
    esac
}

# Workers that have just started are not known to the master at once.
apply() {
    local tries
    for ((tries = 0; tries < 20; tries++)); do
        if (check) >/dev/null 2>&1; then return; fi
        sleep 3
    done
}
