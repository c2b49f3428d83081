# The image gateway's port is free, or the gateway's already.
# rows: F5
# inputs: port

check() {
    local holder
    holder=$(port_holder "$(input port)")
    if [[ -n $holder ]] && ! systemctl is-active -q shifter_imagegw; then
        untrue "has in use: port $(input port) ($holder); the image gateway wants it free." \
            "Fix: stop what is named, or give gateway another port"
    fi
}
