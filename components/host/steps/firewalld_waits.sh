# firewalld does not start while it has the distribution's rules only: they could close the port that SSH uses.
# rows: H17
#
# Debian's package starts the service as it is installed. The step firewall_firewalld takes the mask away.

_unit=/etc/systemd/system/firewalld.service

check() {
    if [[ -x /usr/sbin/firewalld || $(readlink "$_unit") == /dev/null ]]; then return; fi
    untrue "firewalld would start as it is installed"
}

apply() {
    mkdir -p "${_unit%/*}"
    ln -sfn /dev/null "$_unit"
}

undo() {
    if [[ $(readlink "$_unit") == /dev/null ]]; then rm "$_unit"; fi
}
