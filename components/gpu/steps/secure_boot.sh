# Secure Boot allows kernel modules that are built on this host: it is off, or the key that signs them is enrolled.
# rows: H20 G3 H16
# uses: gpu

check() {
    local key
    if [[ -n $(gpu_loaded) ]] || ! _is_on; then return; fi
    # Ubuntu signs with the first, DKMS elsewhere with the second.
    for key in /var/lib/shim-signed/mok/MOK.der /var/lib/dkms/mok.pub; do
        if [[ -e $key ]] && LC_ALL=C mokutil --test-key "$key" 2>&1 | grep 'is already enrolled' >/dev/null; then return; fi
    done
    untrue "has Secure Boot on and no enrolled key to sign the driver with, wants one or the other." \
        "Fix: turn Secure Boot off in the firmware, or mokutil --import ${key}, restart and confirm it at the console"
}

_is_on() {
    command -v mokutil >/dev/null && mokutil --sb-state 2>/dev/null | grep '^SecureBoot enabled' >/dev/null
}
