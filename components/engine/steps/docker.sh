# Docker is enabled, runs with its files' settings, and answers.
# rows: C1 G8
# uses: host engine

check() {
    local off stale
    if ! off=$(engine_runs docker); then untrue "$off"; fi
    if stale=$(engine_stale docker); then untrue "$stale"; fi
    if ! timeout 30 docker version >/dev/null 2>&1; then
        untrue "docker runs and does not answer. Fix: journalctl -u docker -n 20 says why"
    fi
}

apply() {
    if ! systemctl is-enabled -q docker; then systemctl enable -q --no-reload docker; fi
    if systemctl is-active -q docker; then
        if engine_stale docker; then engine_refresh docker || _says_why; fi
    else
        # Docker's failed starts may have used up systemd's limit of starts.
        systemctl reset-failed docker 2>/dev/null || true
        systemctl start docker || _says_why
        rm -f "$GPU_METAL_HOME/docker-due"
    fi
}

# A Docker that came with us is stopped and its containers are removed; never while one of them runs.
undo() {
    local running
    if grep -qsx docker=yes "$GPU_METAL_HOME/docker-before" || ! systemctl is-active -q docker; then return; fi
    if running=$(docker_containers); then
        untrue "containers run: ${running//$'\n'/, }. Docker was left." \
            "Fix: docker stop ${running//$'\n'/ }, then run this again"
    fi
    docker ps -aq | xargs -r docker rm -f
    systemctl stop docker.socket docker
    # Debian's package empties this folder when removed, but volumes are people's data. docker_traces uncovers them.
    if [[ -n $(find /var/lib/docker/volumes -mindepth 1 -maxdepth 1 -type d 2>/dev/null) ]]; then
        mount -t tmpfs -o mode=0710 gpu-metal-cover /var/lib/docker
    fi
}

_says_why() {
    untrue "docker does not start:" \
        "$(unit_log docker -n 50 | grep -E '^(failed to start|unable to)' | tail -n 1)." \
        "Fix: correct /etc/docker/daemon.json, or engine in the site; systemctl status docker shows more"
}
