# The gateway's database runs, and answers on this host alone: it asks nobody for a password.
# rows: F5
# inputs: unit

check() {
    local open
    if ! systemctl is-enabled -q "$(input unit)"; then untrue "$(input unit) is not enabled"; fi
    if ! systemctl is-active -q "$(input unit)"; then
        untrue "$(input unit) does not run. Fix: journalctl -u $(input unit) -n 20 says why"
    fi
    if ! _answers; then
        untrue "$(input unit) runs and does not listen on 127.0.0.1:27017." \
            "Fix: net.port and net.bindIp in its settings, such as /etc/mongod.conf, are 27017 and 127.0.0.1"
    fi
    open=$(_listens | grep -vE '^(127\.|\[::1\]|\[::ffff:127\.)' | paste -sd ' ' || true)
    if [[ -n $open ]]; then
        untrue "$(input unit) listens on $open: whoever reaches this host could change what images there are." \
            "Fix: net.bindIp: 127.0.0.1 in its settings, such as /etc/mongod.conf; systemctl restart $(input unit)"
    fi
}

apply() {
    if [[ ! -e $(_before) ]]; then
        systemctl is-enabled "$(input unit)" 2>/dev/null | write_file "$(_before)" 0600 || true
    fi
    if ! systemctl is-enabled -q "$(input unit)"; then systemctl enable -q --no-reload "$(input unit)"; fi
    if ! systemctl is-active -q "$(input unit)"; then
        systemctl reset-failed "$(input unit)" 2>/dev/null || true
        systemctl start "$(input unit)" || _says_why
    fi
    # Its first start makes the files of its journal.
    port_opens 27017 90 || _says_why
}

# What it knows of images stays in its folder: they are people's data. One that was at work before goes on.
undo() {
    if [[ -e $(_before) && $(<"$(_before)") != enabled ]]; then
        systemctl stop "$(input unit)" 2>/dev/null || true
        systemctl disable -q --no-reload "$(input unit)" 2>/dev/null || true
    fi
    rm -f "$(_before)"
}

_before() {
    printf '%s/mongodb-before' "$GPU_METAL_HOME"
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
