# munge's key is the site's, and nobody but munge reads it.
# rows: F4
# secrets: key
#
# A check sees no secret: the key is compared with the digest of the one that was written last, which only root reads.

check() {
    local file=/etc/munge/munge.key
    if [[ ! -s $file ]]; then untrue "has no $file"; fi
    if [[ $(stat -c %a:%U:%G $file) != 400:munge:munge ]]; then untrue "$file can be read by others than munge"; fi
    if [[ $(stat -c %a:%U /etc/munge) != 700:munge ]]; then untrue "/etc/munge is open to others than munge"; fi
    if ! sha256sum <$file | same_file "$(_written)"; then untrue "$file is not the key that was written there"; fi
}

apply() {
    local file=/etc/munge/munge.key size
    size=$({ secret key | base64 -d 2>/dev/null || true; } | wc -c)
    if ((size < 32 || size > 1024)); then
        untrue "the secret that mungeSecret names is no key: $size bytes in base64, wants 32 to 1024." \
            "Fix: head -c 128 /dev/urandom | base64 -w 0 | pulumi config set --secret gpu-metal:NAME"
    fi
    install -d -m 0700 -o munge -g munge /etc/munge
    keep $file
    # Said first: a run that is cut in between leaves munge to be restarted.
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
