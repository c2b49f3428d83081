# munge's key is the site's, and only munge can read it.
# rows: F4
# secrets: key
#
# check gets no secrets: it compares the key with the digest of the key that was written last, which only root can read.

check() {
    local file=/etc/munge/munge.key
    if [[ ! -s $file ]]; then untrue "has no $file"; fi
    if [[ $(stat -Lc %a:%U:%G $file) != 400:munge:munge ]]; then untrue "$file can be read by others than munge"; fi
    if [[ $(stat -c %a:%U /etc/munge) != 700:munge ]]; then untrue "/etc/munge is open to others than munge"; fi
    if ! sha256sum <$file | same_file "$(_written)"; then untrue "$file is not the key that was written there"; fi
}

apply() {
    local file=/etc/munge/munge.key size
    size=$({ secret key | base64 -d 2>/dev/null || true; } | wc -c)
    if ((size < 32 || size > 1024)); then
        untrue "the secret that mungeSecret names is not a key: $size bytes in base64, wants 32 to 1024." \
            "Fix: head -c 128 /dev/urandom | base64 -w 0 | pulumi config set --secret gpu-metal:NAME"
    fi
    install -d -m 0700 -o munge -g munge /etc/munge
    keep $file
    # Marked first: if this run is cut in between, the next one still restarts munge.
    if ! secret key | base64 -d | same_file $file; then
        write_file "$GPU_METAL_HOME/munge-due" 0600 <<<due
    fi
    secret key | base64 -d | write_file $file 0400 munge:munge
    sha256sum <$file | write_file "$(_written)" 0600
}

undo() {
    restore /etc/munge/munge.key
    if [[ -s /etc/munge/munge.key ]] && systemctl is-active -q munge; then systemctl restart munge; fi
    rm -f "$(_written)"
}

_written() {
    printf '%s/munge-key' "$GPU_METAL_HOME"
}
