# The database is backed up on time, each backup was restored on trial, and the last one went well.
# rows: T1
# inputs: folder time
# bulk: program
# uses: host orchestra
#
# undo keeps the backups.

check() {
    local result
    if ! bulk program | same_file "$(_file)"; then untrue "$(_file) is not the program for backups"; fi
    if ! _service | same_file "$(_unit service)"; then untrue "$(_unit service) is not the unit for backups"; fi
    if ! _timer | same_file "$(_unit timer)"; then untrue "$(_unit timer) is not the timer of $(input time)"; fi
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
    bulk program | write_file "$(_file)" 0755
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
