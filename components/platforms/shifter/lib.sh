# shellcheck shell=bash
# Functions for steps with `# uses: shifter`: the image gateway and the services that it needs.

# imagegw_due: marks the gateway for a restart. Call it before writing: a run that is cut in between still restarts it later.
imagegw_due() { write_file "$GPU_METAL_HOME/imagegw-due" 0600 <<<due; }

# imagegw_list URL SYSTEM [munge]: the HTTP status of the gateway's list of the system's images, requested without or with
# a munge credential; without an answer, 000 and the reason
imagegw_list() {
    local said
    # No proxy: the gateway is a host of the site. It may wait half a minute for its database.
    said=$({ [[ -z ${3-} ]] || munge -n | sed 's/.*/header = "authentication: &"/'; } |
        curl --noproxy '*' --silent --show-error --max-time 40 --output /dev/null --write-out '%{http_code}\n' --config - \
            "$1/api/list/$2/" 2>&1) || true
    printf '%s\n' "$said" | sort | sed -E 's/^curl: \([0-9]+\) //' | paste -sd ' '
}

# imagegw_runs COMMAND: the sections Service and Install of a unit that runs the gateway's code. The step has the inputs
# user, path (of the code) and file (the gateway's settings).
imagegw_runs() {
    cat <<UNIT
[Service]
User=$(input user)
WorkingDirectory=$(input path)
Environment=GWCONFIG=$(input file) PYTHONPATH=$(input path) PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
EnvironmentFile=-/etc/environment
ExecStart=$1
UMask=0022
Restart=always
RestartSec=2
NoNewPrivileges=yes
ProtectSystem=full

[Install]
WantedBy=multi-user.target
UNIT
}

# unit_runs UNIT: for check: fails with a message if UNIT is not enabled or does not run
unit_runs() {
    if ! systemctl is-enabled -q "$1"; then untrue "$1 is not enabled"; fi
    if ! systemctl is-active -q "$1"; then untrue "$1 does not run. Fix: journalctl -u $1 -n 20 says why"; fi
}

# unit_starts UNIT: enables and starts UNIT; returns the status of the start
unit_starts() {
    if ! systemctl is-enabled -q "$1"; then systemctl enable -q --no-reload "$1" || return; fi
    if systemctl is-active -q "$1"; then return; fi
    systemctl reset-failed "$1" 2>/dev/null || true
    systemctl start "$1"
}

# unit_ends UNIT: stops and disables UNIT, and clears its failed state
unit_ends() {
    systemctl stop "$1" 2>/dev/null || true
    systemctl reset-failed "$1" 2>/dev/null || true
    systemctl disable -q --no-reload "$1" 2>/dev/null || true
}

# unit_found NAME UNIT: remembers as NAME, once, whether UNIT was enabled before our steps
unit_found() {
    local file=$GPU_METAL_HOME/$1-before
    if [[ ! -e $file ]]; then { systemctl is-enabled "$2" 2>/dev/null || true; } | write_file "$file" 0600; fi
}

# unit_left NAME UNIT: for undo: ends UNIT, unless unit_found saw it enabled. Its package is removed later.
unit_left() {
    local file=$GPU_METAL_HOME/$1-before
    if [[ -e $file && $(<"$file") != enabled ]]; then unit_ends "$2"; fi
    rm -f "$file"
}

# unit_errors UNIT: the first error in the log of UNIT's last start, which is mostly the cause, and its last one. journald
# cannot tell the unit of a line that it reads after the process has ended: such a line has only the program's name.
unit_errors() {
    local run since
    run=$(systemctl show -p InvocationID --value "$1" 2>/dev/null || true)
    since=$(systemctl show -p ExecMainStartTimestamp --value "$1" 2>/dev/null || true)
    journalctl --sync 2>/dev/null || true
    { journalctl -n 500 -o cat ${since:+--since="$since"} _SYSTEMD_INVOCATION_ID="${run:-none}" + SYSLOG_IDENTIFIER="$1" || true; } |
        awk '/(fatal|error): / { if (!first) first = $0; last = $0 }
            END { if (!first) print "it logs no error"; else if (first == last) print first; else print first "; at last: " last }'
}
