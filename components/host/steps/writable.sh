# The system's folders exist and can be written to.
# rows: H16

check() {
    local folder
    for folder in /etc /opt /usr /var; do
        if [[ ! -d $folder ]]; then
            untrue "has no folder $folder, wants it. Fix: install -d -m 0755 $(readlink -m "$folder")"
        fi
        if [[ ! -w $folder ]]; then
            untrue "has $folder read-only, wants it writable." \
                "Fix: look for disk errors in dmesg, then: mount -o remount,rw $(stat -c %m "$folder")"
        fi
    done
}
