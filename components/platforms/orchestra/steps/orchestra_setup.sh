# Orchestra's setup command has run for the present source and environment.
# rows: T2
# inputs: path user command id
# uses: orchestra

check() {
    if [[ $(cat "$(_mark)" 2>/dev/null) != "$(_wanted)" ]]; then
        untrue "Orchestra's setup command has not run for its present source and environment"
    fi
}

apply() {
    local log=$GPU_METAL_HOME/orchestra-setup.log status=0
    restart_due orchestra-pilot
    (
        proxy_variables
        orchestra_variables
        exec runuser -u "$(input user)" -- "/etc/orchestra/run" setup
    ) >"$log" 2>&1 </dev/null || status=$?
    if ((status)); then
        untrue "Orchestra's setup command ended with status $status: $(last_said "$log"). All of it: $log." \
            "Fix: commands.setup, or what it names; null if this source has nothing to set up"
    fi
    _wanted | write_file "$(_mark)" 0644
}

undo() { rm -f -- "$(_mark)" "$GPU_METAL_HOME/orchestra-setup.log"; }

_mark() { printf '%s/orchestra-setup-done' "$GPU_METAL_HOME"; }
_wanted() { printf '%s %s %s\n' "$(input id)" "$(readlink "$(input path)/environment")" "$(input command | sha256sum | cut -c -12)"; }
