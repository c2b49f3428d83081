# The site's licence package, and no other, is where SQream's installer reads licences.
# rows: Q3
# inputs: user package
# secrets: license
# uses: sqream
#
# sqream_install loads and validates it.

check() {
    local others
    others=$(_others)
    if [[ -n $others ]]; then untrue "$(_folder) has $others beside the site's licence. $(_fix)"; fi
    if [[ ! -f $(_file) ]]; then untrue "has not the site's licence in $(_folder)"; fi
    if [[ $(stat -Lc %a:%U "$(_file)") != "600:$(input user)" ]]; then untrue "$(_file) can be read by others"; fi
    if ! sha256sum <"$(_file)" | same_file "$(sqream_state license)"; then
        untrue "$(_file) is not the licence that the site gave"
    fi
}

apply() {
    local decoded=$GPU_METAL_RUN/license
    if [[ -n $(_others) ]]; then untrue "$(_folder) has $(_others) beside the site's licence. $(_fix)"; fi
    if ! secret license | base64 -d >"$decoded" || ! tar -tzf "$decoded" >/dev/null; then
        rm -f "$decoded"
        untrue "The licence is not a .tar.gz in base64. It was not used." \
            "Fix: base64 -w 0 LICENCE.tar.gz | pulumi config set --secret gpu-metal:NAME"
    fi
    write_file "$(_file)" 0600 "$(input user):" <"$decoded"
    sha256sum <"$decoded" | write_file "$(sqream_state license)" 0600
    rm -f "$decoded"
}

undo() {
    rm -f "$(_file)" "$(sqream_state license)"
}

_folder() { printf '%s/license\n' "$(sqream_folder)"; }

_file() { printf '%s/site.tar.gz\n' "$(_folder)"; }

# The installer loads every package that it finds there.
_others() {
    find "$(_folder)" -maxdepth 1 -type f -name '*.tar.gz' ! -name site.tar.gz -printf '%f\n' 2>/dev/null |
        paste -sd ' ' || true
}

_fix() { printf 'Fix: rm it, when the site has that licence now; else put it into the secret'; }
