# sshd listens on a port that the firewall will leave open to everyone: nothing is closed before that is sure.
# rows: H17
# inputs: ports

check() {
    local port listening
    if [[ -z $(command -v ss) ]]; then
        untrue "has no ss, wants it to see where sshd listens. Fix: install iproute2 (Debian, Ubuntu) or iproute"
    fi
    # If systemd starts ssh by socket, systemd itself holds the port.
    listening=$(ss -Hltnp | awk '/\("(sshd|systemd)"/ { sub(/.*:/, "", $4); print $4 }' | sort -un | paste -sd ' ')
    for port in $(input ports); do
        if [[ " $listening " == *" $port "* ]]; then return; fi
    done
    untrue "has sshd on port ${listening:-unknown}, and the firewall would leave $(input ports) open." \
        "Nothing was closed. Fix: firewall: {allow: {ssh-inside: {port: \"${listening%% *}\"}}} in the site"
}
