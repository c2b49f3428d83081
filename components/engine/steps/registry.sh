# The private registry runs under its own unit, and answers over TLS to those who log in.
# rows: C3 N8
# inputs: port folder
# uses: host

check() {
    local seen shown
    if ! _config | same_file /etc/gpu-metal-registry/config.yml; then
        if [[ -e /etc/gpu-metal-registry/config.yml ]] &&
            ! grep -q '^  delete: {enabled: true}$' /etc/gpu-metal-registry/config.yml; then
            untrue "/etc/gpu-metal-registry/config.yml does not let images be deleted, and the site's registry does"
        fi
        untrue "/etc/gpu-metal-registry/config.yml is not what the site's registry says"
    fi
    if ! _unit | same_file "$(_unit_file)"; then untrue "$(_unit_file) is not the registry's"; fi
    if [[ $(stat -c %U "$(input folder)" 2>/dev/null) != gpu-metal-registry ]]; then
        untrue "$(input folder) is not the registry's folder"
    fi
    if ! systemctl is-enabled -q gpu-metal-registry; then untrue "gpu-metal-registry is not enabled"; fi
    if ! systemctl is-active -q gpu-metal-registry; then
        untrue "gpu-metal-registry does not run. Fix: journalctl -u gpu-metal-registry -n 20 says why"
    fi
    if [[ -e $GPU_METAL_HOME/registry-due ]]; then untrue "the registry runs with older settings"; fi
    seen=$(_ask)
    if [[ $seen != *" 401 "* ]]; then
        untrue "the registry does not ask for a login on port $(input port): ${seen:-no answer}." \
            "Fix: journalctl -u gpu-metal-registry -n 20 says why"
    fi
    shown=$(openssl x509 -noout -fingerprint 2>/dev/null <<<"$seen")
    if [[ $shown != "$(openssl x509 -noout -fingerprint -in /etc/gpu-metal-registry/tls.crt)" ]]; then
        untrue "the registry shows another certificate than /etc/gpu-metal-registry/tls.crt"
    fi
    seen=$(_growth)
    if [[ -n $seen ]]; then remark "$seen"; fi
}

apply() {
    write_file "$GPU_METAL_HOME/registry-due" 0600 <<<due
    if [[ ! -d $(input folder) ]]; then install -d -m 0750 "$(input folder)"; fi
    # The folder may be a disk with other things on it: change only itself and the files of a registry run by root.
    chown --from=root:root gpu-metal-registry: "$(input folder)"
    if [[ -d $(input folder)/docker ]]; then chown -R --from=root:root gpu-metal-registry: "$(input folder)/docker"; fi
    _config | write_file /etc/gpu-metal-registry/config.yml 0644
    # systemd reads a new unit by itself; a changed one needs a reload, as NeedDaemonReload shows.
    _unit | write_file "$(_unit_file)" 0644
    if [[ $(systemctl show -p NeedDaemonReload --value gpu-metal-registry) == yes ]]; then
        if gpu_containers losing; then
            untrue "systemd must read the registry's new unit, and containers would lose their GPUs by it." \
                "Fix: drain or stop them, then pulumi up"
        fi
        systemctl daemon-reload
    fi
    if [[ ! -L $(_wanted) ]]; then ln -s "$(_unit_file)" "$(_wanted)"; fi
    systemctl restart gpu-metal-registry
    port_opens "$(input port)" 30 || true
    rm -f "$GPU_METAL_HOME/registry-due"
}

# Images that did not come from the site stay: they are people's data.
undo() {
    systemctl stop gpu-metal-registry 2>/dev/null || true
    rm -f "$(_wanted)" "$(_unit_file)" /etc/gpu-metal-registry/config.yml "$GPU_METAL_HOME/registry-due"
    if [[ -z $(find "$(input folder)" -type f -name data -path '*/blobs/*' 2>/dev/null | head -n 1) ]]; then
        rm -rf -- "$(input folder)/docker"
        rmdir "$(input folder)" 2>/dev/null || true
    else
        remark "left: images in $(input folder)"
    fi
}

# Why the registry will soon take no more images; nothing while it will
_growth() {
    local used
    used=$(df -P "$(input folder)" | awk 'NR == 2 { sub(/%/, "", $5); print $5 }')
    if ((used >= 90)); then
        printf '%s' "the disk of the registry's folder $(input folder) is $used % full. Fix: sitectl registry list;" \
            " then sitectl registry clean 'NAME/*' --days 30, which frees the space of what people pushed"
    fi
}

_unit_file() {
    printf '/etc/systemd/system/gpu-metal-registry.service'
}

_wanted() {
    printf '/etc/systemd/system/multi-user.target.wants/gpu-metal-registry.service'
}

_config() {
    cat <<YAML
# gpu-metal
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: "$(input folder)"}
  delete: {enabled: true}
http:
  addr: ":$(input port)"
  tls: {certificate: /etc/gpu-metal-registry/tls.crt, key: /etc/gpu-metal-registry/tls.key}
auth:
  htpasswd: {realm: registry, path: /etc/gpu-metal-registry/htpasswd}
YAML
}

_unit() {
    cat <<UNIT
# gpu-metal
[Unit]
Description=Private image registry
Wants=network-online.target
After=network-online.target local-fs.target

[Service]
User=gpu-metal-registry
ExecStart=$(os_path registry_program) serve /etc/gpu-metal-registry/config.yml
Restart=always
RestartSec=2
NoNewPrivileges=yes
ProtectSystem=full
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
UNIT
}

# Prints the certificate, and the answer to a request without a login.
_ask() {
    printf 'GET /v2/ HTTP/1.0\r\n\r\n' |
        timeout 10 openssl s_client -ign_eof -connect "127.0.0.1:$(input port)" 2>/dev/null |
        sed -n '/^-----BEGIN/,/^-----END/p; /^HTTP/p' || true
}
