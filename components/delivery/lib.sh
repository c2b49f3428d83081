# shellcheck shell=bash
# For steps with `# uses: delivery`: a vendor's archive on a host. Each step has the inputs name, folder and sha256.

# delivery_state FILE: the path of our record FILE about this delivery
delivery_state() { printf '%s/deliveries/%s/%s\n' "$GPU_METAL_HOME" "$(input name)" "$1"; }

# delivery_place: the folder of the unpacked archive
delivery_place() {
    local sum
    sum=$(input sha256)
    printf '%s/%s-%s\n' "$(input folder)" "$(input name)" "${sum:0:12}"
}

# delivery_listing FOLDER: sizes and names of its files: quick for gigabytes, and finds files that were cut
delivery_listing() { (cd "$1" && find . -type f -printf '%s %p\n' | LC_ALL=C sort); }

# delivery_unpacked: was the site's archive unpacked completely, by our record?
delivery_unpacked() { [[ $(head -n 1 "$(delivery_state unpacked)" 2>/dev/null) == "$(input sha256)" ]]; }

# delivery_whole: is all of it still there? Files that others added do not count.
delivery_whole() {
    delivery_unpacked && [[ -d $(delivery_place) ]] &&
        [[ -z $(LC_ALL=C comm -23 <(tail -n +2 "$(delivery_state unpacked)") <(delivery_listing "$(delivery_place)")) ]]
}

# delivery_room: fails with a message unless as much is free in the folder as the site asks. For steps with the input free_gb.
delivery_room() {
    local there free wanted
    there=$(input folder) wanted=$(input free_gb)
    while [[ ! -e $there ]]; do there=$(dirname "$there"); done
    free=$(df -B1 --output=avail -- "$there" | tail -n 1)
    if ((free < wanted * 1000000000)); then
        untrue "has $((free / 1000000000)) GB free for $(input folder), and the archive of $(input name) needs $wanted GB." \
            "Nothing was unpacked. Fix: make room there, give package.folder another disk, or, if less is enough," \
            "write a smaller package.freeGb"
    fi
}
