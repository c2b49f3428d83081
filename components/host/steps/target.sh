# systemd boots into the site's target; running services and sessions are left alone.
# rows: H9
# inputs: name
#
# We write the link ourselves: `systemctl set-default` reloads systemd, which can cost containers their GPUs.

check() {
    local seen
    seen=$(systemctl get-default)
    if [[ $seen != "$(input name).target" ]]; then untrue "boots into $seen, wants $(input name).target"; fi
}

apply() {
    keep /etc/systemd/system/default.target
    ln -sfn "/lib/systemd/system/$(input name).target" /etc/systemd/system/.default.target.gpu-metal
    mv -T /etc/systemd/system/.default.target.gpu-metal /etc/systemd/system/default.target
}

undo() {
    restore /etc/systemd/system/default.target
}
