# Jobs know --image: Slurm has Shifter's plugin, with the runtime's settings.
# rows: F6
# inputs: plugin config

check() {
    _is_built
    if ! _line | same_file "$(_folder)/gpu-metal-shifter.conf"; then
        untrue "$(_folder)/gpu-metal-shifter.conf does not name the plugin"
    fi
    if ! _included; then untrue "$(_folder).conf does not include $(_folder)/*.conf"; fi
}

# Each job reads these files anew: nothing is restarted. A plugin that they name and that is not there ends every job.
apply() {
    _is_built
    keep "$(_folder)/gpu-metal-shifter.conf"
    _line | write_file "$(_folder)/gpu-metal-shifter.conf" 0644
    if ! _included; then
        keep "$(_folder).conf"
        {
            cat "$(_folder).conf" 2>/dev/null || true
            printf 'include %s/*.conf\n' "$(_folder)"
        } |
            write_file "$(_folder).conf" 0644
    fi
}

undo() {
    restore "$(_folder).conf"
    restore "$(_folder)/gpu-metal-shifter.conf"
}

_is_built() {
    if [[ ! -s $(input plugin) ]]; then
        untrue "has no $(input plugin): Shifter was built without Slurm. Fix: pulumi up builds it with --with-slurm"
    fi
}

_folder() {
    printf '%s/plugstack.conf.d' "$(os_path slurm_folder)"
}

_line() {
    printf 'required %s shifter_config=%s\n' "$(input plugin)" "$(input config)"
}

_included() {
    grep -qsE "^include[[:space:]]+($(_folder)|plugstack\.conf\.d)/\*(\.conf)?[[:space:]]*$" "$(_folder).conf"
}
