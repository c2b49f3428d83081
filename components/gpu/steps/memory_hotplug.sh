# On ppc64le only the NVIDIA driver brings the GPUs' memory online: the distribution's udev rule leaves it alone.
# rows: G5
#
# As in NVIDIA's installation guide for POWER9. On other machines, and without such a rule, there is nothing to do.

check() {
    if ! _concerned; then return; fi
    if ! _wanted | same_file /etc/udev/rules.d/40-redhat.rules; then
        untrue "/etc/udev/rules.d/40-redhat.rules does not leave the GPUs' memory to the driver"
    fi
}

apply() {
    keep /etc/udev/rules.d/40-redhat.rules
    _wanted | write_file /etc/udev/rules.d/40-redhat.rules 0644
    udevadm control --reload
    reboot_due 'memory that udev has brought online stays so until a restart'
}

undo() {
    restore /etc/udev/rules.d/40-redhat.rules
    udevadm control --reload
}

_concerned() {
    [[ $(uname -m) == ppc64le ]] && grep -q 'memory_hotplug_end' /lib/udev/rules.d/40-redhat.rules 2>/dev/null
}

_wanted() {
    sed 's/SUBSYSTEM!="memory",.*GOTO="memory_hotplug_end"/SUBSYSTEM=="*", GOTO="memory_hotplug_end"/' \
        /lib/udev/rules.d/40-redhat.rules
}
