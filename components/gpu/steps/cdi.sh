# The CDI specification names every GPU, for the running driver.
# rows: G7
# inputs: count
# uses: gpu
#
# From 1.18 on the toolkit has a service that writes it to /var/run/cdi at each boot and when driver or toolkit change;
# with an older one we write it to /etc/cdi. Changed MIG devices need a new one: systemctl restart nvidia-cdi-refresh.

_wanted=/etc/systemd/system/multi-user.target.wants/nvidia-cdi-refresh.service

check() {
    local file seen mig
    file=$(_spec)
    if [[ -z $file ]]; then untrue "has no CDI specification of its GPUs"; fi
    if ! grep -qF ".so.$(gpu_loaded)" "$file"; then
        untrue "$file is of another driver than $(gpu_loaded). Fix: systemctl restart nvidia-cdi-refresh"
    fi
    seen=$(nvidia-ctk cdi list 2>/dev/null | grep -cE '^nvidia\.com/gpu=[0-9]+$' || true)
    # In MIG mode a GPU is not named, its MIG devices are.
    mig=$(timeout 30 nvidia-smi --query-gpu=mig.mode.current --format=csv,noheader 2>/dev/null | grep -c Enabled || true)
    if ((seen + mig < $(input count))); then untrue "$file names $seen GPUs, wants $(($(input count) - mig))"; fi
    if _has_service && ! systemctl is-enabled -q nvidia-cdi-refresh.service; then
        untrue "nvidia-cdi-refresh is not enabled: the specification would not be there after a restart"
    fi
}

apply() {
    if _has_service; then
        # Ours, of an older toolkit
        restore /etc/cdi/nvidia.yaml
        keep "$_wanted"
        systemctl enable -q --no-reload nvidia-cdi-refresh.service
        systemctl restart nvidia-cdi-refresh.service
    else
        keep /etc/cdi/nvidia.yaml
        (umask 022 && mkdir -p /etc/cdi && nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml)
    fi
}

# Also removes the service's own file, which is in memory.
undo() {
    restore "$_wanted"
    restore /etc/cdi/nvidia.yaml
    rm -f /var/run/cdi/nvidia.yaml
}

_has_service() { systemctl cat nvidia-cdi-refresh.service >/dev/null 2>&1; }

# /var/run/cdi wins when both folders have a specification.
_spec() {
    local file
    for file in /var/run/cdi/nvidia.yaml /etc/cdi/nvidia.yaml; do
        if [[ -s $file ]]; then
            printf '%s' "$file"
            return
        fi
    done
}
