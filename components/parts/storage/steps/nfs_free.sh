# Nobody else exports the folder of the share on this host.
# rows: S1
# inputs: path
# uses: storage

check() {
    local others
    others=$(other_exports "$(input path)" | paste -sd ';')
    if [[ -n $others ]]; then
        untrue "exports $(input path) already ($others). Fix: take that line out, or name this host as" \
            "storage.server in place of nfs"
    fi
}
