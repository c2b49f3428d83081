# The database is backed up on time, each backup was restored on trial, and the last one went well.
# rows: T1
# inputs: port database user folder time keep
# uses: host orchestra
#
# undo keeps the backups.

check() {
    local result
    if ! _program | same_file "$(_file)"; then untrue "$(_file) is not the program that makes backups"; fi
    if ! _service | same_file "$(_unit service)"; then untrue "$(_unit service) is not the one that makes backups"; fi
    if ! _timer | same_file "$(_unit timer)"; then untrue "$(_unit timer) does not make backups at $(input time)"; fi
    if ! systemctl is-enabled -q orchestra-backup.timer || ! systemctl is-active -q orchestra-backup.timer; then
        untrue "orchestra-backup.timer does not run: no backups are made"
    fi
    result=$(systemctl show -p Result --value orchestra-backup.service)
    if [[ $result != success ]]; then
        untrue "the database's last backup failed: $(_why). Fix: journalctl -u orchestra-backup -n 20 shows all; pulumi up makes one"
    fi
    if [[ -z $(find "$(input folder)" -name '*.dump' -print -quit 2>/dev/null) ]]; then
        untrue "has no backup of the database in $(input folder)"
    fi
}

apply() {
    local folder
    folder=$(input folder)
    keep "$(_file)"
    keep "$(_unit service)"
    keep "$(_unit timer)"
    if [[ ! -d $folder ]]; then (umask 022 && mkdir -p -- "$folder"); fi
    chown -- postgres:postgres "$folder"
    chmod 0700 -- "$folder"
    if ! systemd-analyze calendar "$(input time)" >/dev/null 2>&1; then
        untrue "systemd does not know the time '$(input time)'. Fix: database.backup.time: such as \"daily\" or \"*-*-* 03:30\""
    fi
    _program | write_file "$(_file)" 0755
    _service | write_file "$(_unit service)" 0644
    _timer | write_file "$(_unit timer)" 0644
    systemd_reload
    systemctl enable -q --no-reload orchestra-backup.timer
    systemctl restart orchestra-backup.timer
    systemctl start orchestra-backup.service ||
        untrue "no backup of the database can be made: $(_why). Fix: journalctl -u orchestra-backup -n 20 shows all"
}

undo() {
    systemctl stop orchestra-backup.timer orchestra-backup.service 2>/dev/null || true
    systemctl disable -q --no-reload orchestra-backup.timer 2>/dev/null || true
    systemctl reset-failed orchestra-backup.service 2>/dev/null || true
    restore "$(_unit timer)"
    restore "$(_unit service)"
    restore "$(_file)"
    if [[ -d $(input folder) ]]; then
        rmdir --ignore-fail-on-non-empty -- "$(input folder)"
        if [[ -d $(input folder) ]]; then printf 'left: backups in %s\n' "$(input folder)"; fi
    fi
}

_file() { printf '/usr/local/sbin/orchestra-database'; }
_unit() { printf '/etc/systemd/system/orchestra-backup.%s' "$1"; }
_why() { unit_log orchestra-backup -n 20 | { grep -E 'error|fatal|FATAL|ERROR|orchestra-database:' || true; } | tail -n 1 | cut -c -300; }

_service() {
    cat <<UNIT
# gpu-metal
[Unit]
Description=Backup of Orchestra's database
After=$(cluster_unit)
[Service]
Type=oneshot
ExecStart=$(_file) backup
UNIT
}

_timer() {
    cat <<UNIT
# gpu-metal
[Unit]
Description=Backups of Orchestra's database
[Timer]
OnCalendar=$(input time)
Persistent=true
[Install]
WantedBy=timers.target
UNIT
}

_program() {
    printf '#!/bin/bash\n# gpu-metal\n'
    printf 'port=%s database=%s owner=%s folder=%s number=%s\n' \
        "$(input port)" "$(input database)" "$(input user)" "$(input folder)" "$(input keep)"
    cat <<'PROGRAM'
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
    echo "$2: $seen tables restored"
}

backup() {
    file=$folder/$database-$(date -u +%Y%m%dT%H%M%SZ)
    trap 'rm -f -- "$file.part"' EXIT # when this function has ended
    as_owner pg_dump --format custom "$database" >"$file.part"
    filled "${database}_trial" "$file.part"
    as_owner dropdb "${database}_trial"
    mv -- "$file.part" "$file.dump"
    find "$folder" -maxdepth 1 -name "$database-*.dump" -printf '%f\n' | sort -r | tail -n "+$((number + 1))" |
        while read -r old; do rm -f -- "$folder/$old"; done
}

restore() {
    local former
    former=${database}_$(date -u +%Y%m%dt%H%M%S)
    filled "${database}_restored" "$1"
    ask postgres <<SQL
ALTER DATABASE "$database" ALLOW_CONNECTIONS false;
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '$database';
ALTER DATABASE "$database" RENAME TO "$former";
ALTER DATABASE "${database}_restored" RENAME TO "$database";
ALTER DATABASE "$former" ALLOW_CONNECTIONS true;
SQL
    echo "$database is what $1 has; what it was is $former (to delete it: dropdb -p $port $former, as postgres)"
}

exec 9<"$0"
flock 9
case ${1-} in
    backup) backup ;;
    restore) restore "${2:?which file? ls $folder}" ;;
    *) sed -n '/^# orchestra-database/s/^# //p' "$0" >&2; exit 2 ;;
esac
PROGRAM
}
