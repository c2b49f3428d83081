#!/bin/bash
# gpu-metal: backups of Orchestra's database. steps.py puts the site's words in front of it: port, database, owner, folder
# and number (of backups).
# shellcheck disable=SC2154
# orchestra-database backup          makes a backup, restores it on trial, deletes the oldest ones
# orchestra-database restore FILE    puts a backup in place of the database, which stays under another name
set -euo pipefail
cd /
umask 077
as_owner() { runuser -u postgres -- "$1" -p "$port" "${@:2}"; }
ask() { as_owner psql -XAtq -v ON_ERROR_STOP=1 -d "$@"; }

# filled DATABASE FILE: makes the database of the backup, and counts: fails if a table of the backup is not in it
filled() {
    as_owner dropdb --if-exists "$1"
    as_owner createdb --owner "$owner" "$1"
    as_owner pg_restore --exit-on-error --dbname "$1" <"$2"
    local wanted seen
    wanted=$(runuser -u postgres -- pg_restore --list <"$2" | grep -cE '^[0-9]+; [0-9 ]+ TABLE [^D]' || true)
    seen=$(ask "$1" -c "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
    if [[ $wanted != "$seen" ]]; then
        echo "orchestra-database: $2 has $wanted tables, its trial has $seen" >&2
        return 1
    fi
    echo "${2/%.part/.dump}: $seen tables restored"
}

make() {
    file=$folder/$database-$(date -u +%Y%m%dT%H%M%SZ)
    trap 'rm -f -- "$file.part"' EXIT # when this function has ended
    as_owner pg_dump --format custom "$database" >"$file.part"
    filled "${database}_trial" "$file.part"
    as_owner dropdb "${database}_trial"
    mv -- "$file.part" "$file.dump"
    find "$folder" -maxdepth 1 -name "$database-????????T??????Z.dump" -printf '%f\n' | sort -r | tail -n "+$((number + 1))" |
        while read -r old; do rm -f -- "$folder/$old"; done
}

put_back() {
    local former
    former=${database}_$(date -u +%Y%m%dt%H%M%S)
    filled "${database}_restored" "$1"
    ask postgres <<SQL
ALTER DATABASE "$database" ALLOW_CONNECTIONS false;
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '$database';
BEGIN;
ALTER DATABASE "$database" RENAME TO "$former";
ALTER DATABASE "${database}_restored" RENAME TO "$database";
COMMIT;
ALTER DATABASE "$former" ALLOW_CONNECTIONS true;
SQL
    echo "$database is what $1 has; what it was is $former (to delete it: dropdb -p $port $former, as postgres)"
}

exec 9<"$0"
flock 9
case ${1-} in
    backup) make ;;
    restore) put_back "${2:?which file? ls $folder}" ;;
    *)
        sed -n '/^# orchestra-database/s/^# //p' "$0" >&2
        exit 2
        ;;
esac
