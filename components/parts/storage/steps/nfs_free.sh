# Nobody else exports the folder of the share on this host, nor one above it or in it.
# rows: S1
# inputs: path
# uses: storage

check() {
    local others
    others=$(other_exports "$(input path)" | paste -sd ';')
    if [[ -n $others ]]; then
        untrue "exports $(input path), or a folder above it or in it, already ($others). Fix: take that line out," \
            "write another nfs.path, or name this host as storage.server in place of nfs"
    fi
}
