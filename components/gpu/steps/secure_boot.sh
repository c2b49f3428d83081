# Secure Boot allows kernel modules that are built on this host: it is off, or the key that signs them is enrolled.
# rows: H20 G3 H16
# uses: gpu

check() {
    local key way keys=()
    if [[ -n $(gpu_loaded) ]] || ! _is_on; then return; fi
    # Ubuntu signs with the first, DKMS elsewhere with the second.
    for key in /var/lib/shim-signed/mok/MOK.der /var/lib/dkms/mok.pub; do
        if [[ ! -e $key ]]; then continue; fi
        keys+=("$key")
        # Its text tells, not its status: before 0.7 mokutil ends with 1 for a key that is enrolled.
        if [[ $(LC_ALL=C mokutil --test-key "$key" 2>&1 || true) == *'is already enrolled'* ]]; then return; fi
    done
    way='make a key (update-secureboot-policy --new-key on Ubuntu, dkms generate_mok elsewhere), mokutil --import it'
    if ((${#keys[@]})); then way="mokutil --import ${keys[0]}"; fi
    untrue "has Secure Boot on and no enrolled key to sign the driver with, wants one or the other." \
        "Fix: turn Secure Boot off in the firmware, or $way, restart and confirm it at the console"
}

_is_on() {
    local said
    if ! command -v mokutil >/dev/null; then return 1; fi
    said=$(LC_ALL=C mokutil --sb-state 2>&1 || true)
    [[ $'\n'$said == *$'\n''SecureBoot enabled'* ]]
}
