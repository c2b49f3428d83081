# firewalld does not start while it has only the distribution's rules: they could close the port that SSH uses.
# rows: H17
#
# Debian's package starts the service when it is installed. The step firewall_firewalld removes the mask.

_unit=/etc/systemd/system/firewalld.service

check() {
    if [[ -x /usr/sbin/firewalld || $(readlink "$_unit") == /dev/null ]]; then return; fi
    untrue "firewalld would start when it is installed"
}

apply() {
    mkdir -p "${_unit%/*}"
    ln -sfn /dev/null "$_unit"
}

undo() {
    if [[ $(readlink "$_unit") == /dev/null ]]; then rm "$_unit"; fi
}
