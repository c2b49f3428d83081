# The NVIDIA driver of the wanted branch or version is installed by NVIDIA's own installer, and the kernel runs it.
# rows: G3
# inputs: wanted sha256 file url options
# uses: gpu
#
# A driver of that version that others installed is left to them. Nothing is changed while a program computes on the
# GPUs. file is one that the operator put on the host, url is where the host fetches it; its checksum is compared before
# it is run.

check() {
    if ! _of_others && [[ $(_installed) != "$(input sha256)" ]]; then
        untrue "has driver $(gpu_files | grep . || printf none), wants $(input wanted) from the site's runfile"
    fi
    if ! gpu_is "$(gpu_files)" "$(input wanted)"; then
        untrue "the runfile brought driver $(gpu_files | grep . || printf none), wants $(input wanted)." \
            "Fix: gpu.driver.version and gpu.driver.runfile must be of one version"
    fi
    driver_loaded
}

apply() {
    local installer=$GPU_METAL_HOME/nvidia.run options daemons
    driver_idle
    if ! _of_others && [[ $(_installed) != "$(input sha256)" ]]; then
        bring_artefact "$installer" 'the runfile' \
            "compare with NVIDIA's download page; then correct gpu.driver.runfile"
        read -ra options < <(input options)
        # The installer gives up while a daemon holds the older driver; later steps start the daemons with the new one.
        mapfile -t daemons < <(_daemons)
        if ((${#daemons[@]})); then systemctl stop "${daemons[@]}"; fi
        # It unpacks into our folder, since /tmp may be mounted noexec.
        if ! sh "$installer" --tmpdir "$GPU_METAL_HOME" --silent --dkms "${options[@]}"; then
            tail -n 5 /var/log/nvidia-installer.log >&2 || true
            if ((${#daemons[@]})); then systemctl start "${daemons[@]}" || true; fi
            return 1
        fi
        input sha256 | write_file "$GPU_METAL_HOME/driver-runfile" 0600
        rm -f "$installer"
    fi
    driver_load
}

undo() {
    driver_removable
    if [[ -n $(_installed) && -n $(command -v nvidia-uninstall) ]]; then nvidia-uninstall --silent; fi
    rm -f "$GPU_METAL_HOME/driver-runfile"
}

_daemons() {
    systemctl list-units --plain --no-legend --state=active nvidia-persistenced.service nvidia-fabricmanager.service |
        awk '{ print $1 }'
}

_installed() {
    cat "$GPU_METAL_HOME/driver-runfile" 2>/dev/null || true
}

_of_others() {
    [[ -z $(_installed) ]] && driver_of_others
}
