# shellcheck shell=bash
# For steps that say `# uses: shifter`: its image gateway and the services that this needs.

# imagegw_due: it must be restarted for what is about to be written. Said before, so that a cut in between loses nothing.
imagegw_due() { write_file "$GPU_METAL_HOME/imagegw-due" 0600 <<<due; }

# imagegw_list URL SYSTEM [munge]: the gateway's answer to a list of the system's images, asked as nobody or with munge, by
# HTTP's number; when it does not answer, 000 and why
imagegw_list() {
    local said
    # Not through a proxy: it is a host of the site. It waits half a minute for its database.
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

# unit_runs UNIT: says so when it is not enabled or does not run. For check.
unit_runs() {
    if ! systemctl is-enabled -q "$1"; then untrue "$1 is not enabled"; fi
    if ! systemctl is-active -q "$1"; then untrue "$1 does not run. Fix: journalctl -u $1 -n 20 says why"; fi
}

# unit_starts UNIT: enabled and running from now on; status of its start
unit_starts() {
    if ! systemctl is-enabled -q "$1"; then systemctl enable -q --no-reload "$1" || return; fi
    if systemctl is-active -q "$1"; then return; fi
    systemctl reset-failed "$1" 2>/dev/null || true
    systemctl start "$1"
}

# unit_ends UNIT: off, now and at boot. How it ended would stay in `systemctl --failed`.
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

# unit_left NAME UNIT: ends it, unless it was enabled when unit_found looked. For undo: a package takes its own away later.
unit_left() {
    local file=$GPU_METAL_HOME/$1-before
    if [[ -e $file && $(<"$file") != enabled ]]; then unit_ends "$2"; fi
    rm -f "$file"
}
