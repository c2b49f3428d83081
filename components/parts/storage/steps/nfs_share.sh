# The folder of the share is there, on its disk, which has the room that the site promises.
# rows: S1 S3
# inputs: path mount bytes
# uses: storage
#
# mount is the mount point of the disk that the site declares for it; empty for none. undo never deletes what lies there.

check() {
    local path says has
    path=$(input path)
    says=$(share_off_disk "$path" "$(input mount)")
    if [[ -n $says ]]; then untrue "$says"; fi
    if [[ ! -d $path ]]; then untrue "has no folder $path, wants it for the share"; fi
    if [[ -n $(input bytes) ]]; then
        has=$(df --block-size=1 --output=size "$path" | tail -n 1)
        if ((has < $(input bytes))); then
            untrue "has $((has / 1024 ** 2)) MiB at $path, the site promises $(($(input bytes) / 1024 ** 2)) MiB." \
                "Fix: nfs.capacity in the site, or a larger disk"
        fi
    fi
}

apply() {
    local path says
    path=$(input path)
    says=$(share_off_disk "$path" "$(input mount)")
    if [[ -n $says ]]; then untrue "$says"; fi
    if [[ ! -e $path ]]; then
        keep "$path"
        (umask 022 && mkdir -p "$path")
    fi
}

# A folder that is not empty stays.
undo() {
    restore "$(input path)"
}
