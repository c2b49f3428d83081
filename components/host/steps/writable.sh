# The system's folders can be written to.
# rows: H16

check() {
    local folder
    for folder in /etc /opt /usr /var; do
        if [[ ! -w $folder ]]; then
            untrue "has $folder read-only, wants it writable." \
                "Fix: look for disk errors in dmesg, then: mount -o remount,rw $(stat -c %m "$folder")"
        fi
    done
}
