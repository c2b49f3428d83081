# The database is backed up on time, each backup was restored on trial, and the last one went well.
# rows: T1
# inputs: folder time
# bulk: program
# uses: host orchestra
#
# undo keeps the backups.

check() {
    local result newest age limit
    if ! bulk program | same_file "$(_file)"; then untrue "$(_file) is not the program for backups"; fi
    timer_check orchestra-backup 'no backups are made'
    result=$(systemctl show -p Result --value orchestra-backup.service)
    if [[ $result != success ]]; then
        untrue "the database's last backup failed: $(_why). Fix: journalctl -u orchestra-backup -n 20 shows all; pulumi up makes one"
    fi
    newest=$(find "$(input folder)" -name '*.dump' -printf '%T@\n' 2>/dev/null | sort -n | tail -n 1)
    if [[ -z $newest ]]; then untrue "has no backup of the database in $(input folder)"; fi
    age=$(($(date +%s) - ${newest%.*})) limit=$(($(timer_period orchestra-backup) * 2 + 3600))
    if ((age > limit)); then
        untrue "the database's last backup is $((age / 3600)) hours old, wants one each $(input time)." \
            "Fix: sitectl backup; journalctl -u orchestra-backup -n 20 says why there was none"
    fi
}

apply() {
    local folder
    folder=$(input folder)
    keep "$(_file)"
    if [[ ! -d $folder ]]; then (umask 022 && mkdir -p -- "$folder"); fi
    chown -- postgres:postgres "$folder"
    chmod 0700 -- "$folder"
    if ! systemd-analyze calendar "$(input time)" >/dev/null 2>&1; then
        untrue "systemd does not know the time '$(input time)'. Fix: database.backup.time: such as \"daily\" or \"*-*-* 03:30\""
    fi
    bulk program | write_file "$(_file)" 0755
    timer_on orchestra-backup
    systemctl start orchestra-backup.service ||
        untrue "no backup of the database can be made: $(_why). Fix: journalctl -u orchestra-backup -n 20 shows all"
}

undo() {
    timer_off orchestra-backup
    restore "$(_file)"
    if [[ -d $(input folder) ]]; then
        rmdir --ignore-fail-on-non-empty -- "$(input folder)"
        if [[ -d $(input folder) ]]; then printf 'left: backups in %s\n' "$(input folder)"; fi
    fi
}

_file() { printf '/usr/local/sbin/orchestra-database'; }
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
