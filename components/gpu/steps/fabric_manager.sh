# If the host has an NVSwitch, the fabric manager has the driver's own version, runs, and has set up the fabric.
# rows: G9
# inputs: package
# uses: gpu
#
# The bus, not the site, tells which hosts have switches; on others there is nothing to do. Without the fabric manager,
# CUDA fails with error 802. The switches of NVLink 5 are managed like InfiniBand's: it does not start without ib_umad.

check() {
    local files fabric
    fabric=$(gpu_fabric) || return 0
    files=$(gpu_files)
    if [[ $(_version) != "$files" ]]; then
        untrue "has fabric manager $(_version | grep . || printf none), wants $files as the driver has." \
            "Fix: both must come from one source; if others installed the driver, they must install this too"
    fi
    _check_packages "$fabric"
    if [[ $fabric == nvlink5 ]] && ! _modules | same_file "$_modules_file"; then
        untrue "$_modules_file does not load ib_umad, which the fabric manager needs"
    fi
    if ! systemctl is-enabled -q nvidia-fabricmanager; then untrue "nvidia-fabricmanager is not enabled"; fi
    if [[ $(gpu_loaded) != "$files" ]]; then return; fi
    if ! systemctl is-active -q nvidia-fabricmanager; then
        untrue "nvidia-fabricmanager does not run. Fix: journalctl -u nvidia-fabricmanager -n 20 says why"
    fi
    if [[ -n $(_unready) ]]; then
        untrue "the GPUs' fabric is $(_unready), wants Completed. Fix: journalctl -u nvidia-fabricmanager -n 20 says why"
    fi
}

apply() {
    local words version fabric
    version=$(_version) fabric=$(gpu_fabric)
    read -ra words < <(_words "$fabric")
    if [[ -n $(pkg_asked) || $version != "$(gpu_files)" ]]; then pkg_add --hold "${words[@]}"; fi
    if [[ $fabric == nvlink5 ]]; then
        keep "$_modules_file"
        _modules | write_file "$_modules_file" 0644
        modprobe ib_umad
    fi
    systemctl enable -q --no-reload nvidia-fabricmanager
    if [[ $(gpu_loaded) != "$(gpu_files)" ]]; then return; fi
    if [[ $version != "$(_version)" ]]; then systemctl try-restart nvidia-fabricmanager; fi
    systemctl start nvidia-fabricmanager
    for _ in {1..60}; do
        if [[ -z $(_unready) ]]; then return; fi
        sleep 1
    done
}

undo() {
    pkg_drop
    restore "$_modules_file"
}

_modules_file=/etc/modules-load.d/gpu-metal-fabric.conf

_modules() {
    printf '# gpu-metal\nib_umad\n'
}

_check_packages() {
    local says words
    if [[ -z $(pkg_asked) ]]; then return; fi
    read -ra words < <(_words "$1")
    says=$(pkg_untrue --hold "${words[@]}")
    if [[ -n $says ]]; then untrue "$says"; fi
}

# NVLink 5 needs a subnet manager too.
_words() {
    printf '%s=%s-*' "$(input package)" "$(gpu_files)"
    if [[ $1 == nvlink5 ]]; then printf ' nvlsm'; fi
    printf '\n'
}

_version() {
    nv-fabricmanager --version 2>/dev/null | grep -m 1 -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' || true
}

# The first state other than Completed. Ampere's GPUs have no state: N/A.
_unready() {
    timeout 30 nvidia-smi -q | awk -F ' *: *' '
        /^ +Fabric$/ { fabric = 1; next }
        fabric && /^ +State/ { fabric = 0; if ($2 != "Completed" && $2 != "N/A") { print $2; exit } }
    '
}
