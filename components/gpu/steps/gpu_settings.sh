# Power limit and clocks of every GPU are what the site says, now and at each boot.
# rows: H20
# inputs: power_limit graphics memory
# uses: host gpu
#
# The unit never changes, only the script that it runs: so no systemd reload is needed under running containers.

check() {
    local wrong
    if ! _unit | same_file "$_unit_file"; then untrue "$_unit_file is not the one that sets the GPUs"; fi
    if ! _script | same_file "$_script_file"; then untrue "$_script_file does not set what the site says"; fi
    if ! systemctl is-enabled -q gpu-metal-gpu; then untrue "gpu-metal-gpu is not enabled"; fi
    if [[ -z $(gpu_loaded) || $(gpu_loaded) != "$(gpu_files)" ]]; then return; fi
    if ! systemctl is-active -q gpu-metal-gpu || [[ -e $GPU_METAL_HOME/gpu-settings-due ]]; then
        untrue "the GPUs have not been set. Fix: journalctl -u gpu-metal-gpu -n 20 says why"
    fi
    wrong=$(_wrong_limits)
    if [[ -n $wrong ]]; then
        untrue "has a power limit of $wrong, wants $(input power_limit) W." \
            "Fix: systemctl restart gpu-metal-gpu; nvidia-smi -q -d POWER shows what the card allows"
    fi
}

apply() {
    keep "$_unit_file"
    keep "$_script_file"
    write_file "$GPU_METAL_HOME/gpu-settings-due" 0600 <<<due
    _script | write_file "$_script_file" 0755
    _unit | write_file "$_unit_file" 0644
    systemd_reload gpu-metal-gpu
    systemctl enable -q --no-reload gpu-metal-gpu
    if [[ -n $(gpu_loaded) && $(gpu_loaded) == "$(gpu_files)" ]]; then
        # Settings that the site no longer has go back to the card's own.
        if [[ -n $(previous power_limit) && -z $(input power_limit '') ]]; then _default_limits; fi
        if [[ -n $(previous graphics) && -z $(input graphics '') ]]; then nvidia-smi -rgc; fi
        if [[ -n $(previous memory) && -z $(input memory '') ]]; then nvidia-smi -rmc; fi
        systemctl restart gpu-metal-gpu
    fi
    rm -f "$GPU_METAL_HOME/gpu-settings-due"
}

undo() {
    if [[ -e $_unit_file ]]; then
        systemctl disable -q --no-reload gpu-metal-gpu
        systemctl stop gpu-metal-gpu
    fi
    restore "$_unit_file"
    restore "$_script_file"
    rm -f "$GPU_METAL_HOME/gpu-settings-due"
    if [[ -z $(gpu_loaded) ]]; then return; fi
    if [[ -n $(input power_limit '') ]]; then _default_limits; fi
    if [[ -n $(input graphics '') ]]; then nvidia-smi -rgc; fi
    if [[ -n $(input memory '') ]]; then nvidia-smi -rmc; fi
}

_unit_file=/etc/systemd/system/gpu-metal-gpu.service
_script_file=/usr/local/sbin/gpu-metal-gpu

_unit() {
    printf '# gpu-metal\n[Unit]\nDescription=Power limit and clocks of the GPUs, as the site says\n'
    printf 'After=nvidia-persistenced.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=%s\n' "$_script_file"
    printf '[Install]\nWantedBy=multi-user.target\n'
}

_script() {
    printf '#!/bin/sh\n# gpu-metal\nset -e\n'
    if [[ -n $(input power_limit '') ]]; then printf 'nvidia-smi -pl %s\n' "$(input power_limit)"; fi
    if [[ -n $(input graphics '') ]]; then printf 'nvidia-smi -lgc %s\n' "$(input graphics)"; fi
    if [[ -n $(input memory '') ]]; then printf 'nvidia-smi -lmc %s\n' "$(input memory)"; fi
}

_wrong_limits() {
    if [[ -z $(input power_limit '') ]]; then return; fi
    timeout 30 nvidia-smi --query-gpu=index,power.limit --format=csv,noheader,nounits |
        awk -F ', ' -v wanted="$(input power_limit)" '$2 + 0 != wanted && !n++ { print $2 " W on GPU " $1 }'
}

_default_limits() {
    local gpu limit
    while IFS=', ' read -r gpu limit; do
        nvidia-smi -i "$gpu" -pl "$limit"
    done < <(nvidia-smi --query-gpu=index,power.default_limit --format=csv,noheader,nounits)
}
