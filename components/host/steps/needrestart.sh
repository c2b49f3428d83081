# needrestart only lists what should be restarted: a restarted runtime costs running containers their GPUs.
# rows: G8
#
# Ubuntu 24.04's restarts services by itself at the end of any apt run; the RHEL family has none.

check() {
    local later
    if [[ ! -d /etc/needrestart/conf.d ]]; then return; fi
    if ! _wanted | same_file /etc/needrestart/conf.d/90-gpu-metal.conf; then
        untrue "needrestart restarts services by itself"
    fi
    later=$(_later)
    if [[ -n $later ]]; then
        untrue "needrestart restarts services by itself: $later comes after ours and sets \$nrconf{restart}." \
            "Fix: take that line out of $later"
    fi
}

apply() {
    keep /etc/needrestart/conf.d/90-gpu-metal.conf
    _wanted | write_file /etc/needrestart/conf.d/90-gpu-metal.conf 0644
}

undo() {
    restore /etc/needrestart/conf.d/90-gpu-metal.conf
}

# The last file after ours, by name, in which others let it restart services
_later() {
    local file found=''
    for file in /etc/needrestart/conf.d/*.conf; do
        if [[ ${file##*/} > 90-gpu-metal.conf ]] &&
            grep -Eq "^[[:space:]]*\\\$nrconf\{['\"]?restart['\"]?\}[[:space:]]*=[[:space:]]*['\"][^l]" "$file"; then
            found=$file
        fi
    done
    printf '%s\n' "$found"
}

_wanted() {
    cat <<'PERL'
# gpu-metal: list, never restart
$nrconf{restart} = 'l';
$nrconf{override_rc}{qr(^(containerd|docker|kubelet|slurmd|dcgm|nvidia-.*)\.service$)} = 0;
PERL
}
