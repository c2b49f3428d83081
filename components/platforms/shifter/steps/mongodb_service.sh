# The gateway's database runs, and answers this host only: it asks for no password.
# rows: F5
# inputs: unit
# uses: shifter

check() {
    local open
    unit_runs "$(input unit)"
    if ! _answers; then
        untrue "$(input unit) runs but does not listen on 127.0.0.1:27017." \
            "Fix: net.port and net.bindIp in its settings, such as /etc/mongod.conf, are 27017 and 127.0.0.1"
    fi
    open=$(_listens | grep -vE '^(127\.|\[::1\]|\[::ffff:127\.)' | paste -sd ' ' || true)
    if [[ -n $open ]]; then
        untrue "$(input unit) listens on $open: whoever reaches this host could change what images there are." \
            "Fix: net.bindIp: 127.0.0.1 in its settings, such as /etc/mongod.conf; systemctl restart $(input unit)"
    fi
}

apply() {
    unit_found mongodb "$(input unit)"
    unit_starts "$(input unit)" || _says_why
    # Its first start makes the files of its journal.
    port_opens 27017 90 || _says_why
}

# The database stays in its folder: it describes users' images. A MongoDB that ran before us keeps running.
undo() {
    unit_left mongodb "$(input unit)"
}

_answers() {
    (exec 3<>/dev/tcp/127.0.0.1/27017) 2>/dev/null
}

_listens() {
    ss -Hltn 'sport = :27017' 2>/dev/null | awk '{ print $4 }'
}

_says_why() {
    local fix
    fix="systemctl status $(input unit) shows more"
    # Its builds from version 5 on use instructions that older CPUs and some virtual machines lack.
    if [[ $(systemctl show -p ExecMainStatus --value "$(input unit)") == 4 ]] && ! grep -qm 1 '\<avx\>' /proc/cpuinfo; then
        fix="this CPU has no AVX, which MongoDB wants from 5.0 on: gateway.mongodb.package: mongodb-org=4.4.*"
    fi
    untrue "$(input unit) does not start: $(journalctl -u "$(input unit)" -n 1 -o cat). Fix: $fix"
}
