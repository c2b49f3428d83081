# The host's name is its name in the site, now and after a reboot.
# rows: H18
# inputs: name

check() {
    local name
    name=$(input name)
    if [[ $(uname -n) != "$name" ]]; then untrue "has the name $(uname -n), wants $name"; fi
    if ! same_file /etc/hostname <<<"$name"; then
        untrue "has $(head -n 1 /etc/hostname 2>/dev/null || echo nothing) in /etc/hostname, wants $name"
    fi
    if [[ -d /etc/cloud/cloud.cfg.d ]] && ! _cloud | same_file /etc/cloud/cloud.cfg.d/90-gpu-metal.cfg; then
        untrue "cloud-init sets the name back at each start"
    fi
}

apply() {
    keep /etc/hostname
    input name | write_file /etc/hostname 0644
    hostname "$(input name)"
    if [[ -d /etc/cloud/cloud.cfg.d ]]; then
        keep /etc/cloud/cloud.cfg.d/90-gpu-metal.cfg
        _cloud | write_file /etc/cloud/cloud.cfg.d/90-gpu-metal.cfg 0644
    fi
}

undo() {
    restore /etc/cloud/cloud.cfg.d/90-gpu-metal.cfg
    restore /etc/hostname
    if [[ -s /etc/hostname ]]; then hostname -F /etc/hostname; fi
}

_cloud() {
    printf '%s\n' '# gpu-metal' 'preserve_hostname: true' 'manage_etc_hosts: false'
}
