# There was room in the registry's folder before the first image of each vendor's archive came.
# rows: C3 R2
# inputs: folder free_gb archives note
#
# `archives` are SHA-256 sums. With `note`, an archive is written down once there was room for it: its images then take that
# room themselves. Preflight has no `note`, and changes nothing.

check() {
    local new
    new=$(_new)
    if [[ -z $new ]]; then return; fi
    _room
    if [[ $(input note no) == yes ]]; then untrue "has not written down that there is room for $new"; fi
}

apply() {
    _room
    input archives | tr ' ' '\n' | write_file "$(_record)" 0600
}

undo() { rm -f "$(_record)"; }

_record() { printf '%s/registry-room\n' "$GPU_METAL_HOME"; }

_new() { comm -23 <(input archives | tr ' ' '\n' | sort) <(sort "$(_record)" 2>/dev/null) | paste -sd ' '; }

_room() {
    local there free wanted
    there=$(input folder) wanted=$(input free_gb)
    while [[ ! -e $there ]]; do there=$(dirname "$there"); done
    free=$(df -B1 --output=avail -- "$there" | tail -n 1)
    if ((free < wanted * 1000000000)); then
        untrue "has $((free / 1000000000)) GB free for $(input folder), the registry's, and a vendor's images need $wanted GB." \
            "Nothing was pushed. Fix: make room there, give registry.folder another disk, or, if less is enough, write a" \
            "smaller freeGb of the package"
    fi
}
