# SQream no longer runs in Docker here, and the storage folder belongs to its user.
# rows: Q9
# inputs: user storage
# uses: sqream
#
# For an installation without Docker: containers write as root. The services' own steps have stopped them before.
# undo leaves the files to the user: nobody recorded their former owners, and SQream in Docker works with them, too.
# After this step sqream_folders does not give the storage folder back either.

check() {
    local running
    running=$(_running)
    if [[ -n $running ]]; then
        untrue "SQream still runs in Docker: $running. Fix: sqream master --stop --all in sqream-console; then pulumi up"
    fi
    if [[ ! -d $(input storage) ]]; then untrue "has no folder $(input storage). Fix: correct folders.storage"; fi
    # Checking every file would take minutes: this compares the record of the hand-over, and checks the upper levels.
    if ! _done | same_file "$(sqream_state handed-over)"; then
        untrue "$(input storage) has not been given to $(input user)"
    fi
    if [[ -n $(find "$(input storage)" -maxdepth 3 ! -user "$(input user)" -print -quit) ]]; then
        untrue "$(find "$(input storage)" -maxdepth 3 ! -user "$(input user)" -print -quit) is not $(input user)'s"
    fi
}

apply() {
    if [[ -n $(_running) ]]; then
        untrue "SQream still runs in Docker: $(_running). Nothing was handed over." \
            "Fix: sqream master --stop --all in sqream-console; then pulumi up"
    fi
    find "$(input storage)" -xdev ! -user "$(input user)" -exec chown -h "$(input user):" {} +
    if [[ -e $(sqream_state sqream_folders) ]]; then
        awk -F '|' -v folder="$(input storage)" '$3 != folder || $1 == "new"' "$(sqream_state sqream_folders)" |
            write_file "$(sqream_state sqream_folders)" 0600
    fi
    _done | write_file "$(sqream_state handed-over)" 0600
}

undo() {
    rm -f "$(sqream_state handed-over)"
}

_running() { { docker ps --filter name=^sqream_ --format '{{.Names}}' 2>/dev/null || true; } | paste -sd ' '; }

_done() { printf '%s %s %s\n' "$(input storage)" "$(stat -c %i "$(input storage)" 2>/dev/null)" "$(input user)"; }
