# shellcheck shell=bash
# What this host's GPUs do now, for `sitectl top`. Changes nothing. Inputs: limit (seconds for nvidia-smi).
# Prints sections, each as \036NAME\037TEXT\037STATUS: smi (the XML of nvidia-smi -q -x), list (nvidia-smi -L, only
# where there are MIG instances) and processes (PID, user, the pod's UID, namespace and name, between tabs).
limit=${limit:-10}
proc=${GPU_METAL_PROC:-/proc} pods=${GPU_METAL_PODS:-/var/log/pods} container=${GPU_METAL_DRIVER:-/run/nvidia/driver}

# The host's own nvidia-smi, or the one in the driver container of the GPU operator
smi=()
if command -v nvidia-smi >/dev/null; then
    smi=(nvidia-smi)
elif [[ -x $container/usr/bin/nvidia-smi ]]; then
    smi=(chroot "$container" nvidia-smi)
fi

section() { printf '\036%s\037%s\037%s' "$1" "$2" "$3"; }

# _asked ARGUMENT… → text, status. A process that waits in the kernel cannot be killed: it is left, not waited for.
_asked() {
    text='' status=''
    exec 3< <(
        exec 2>&1 </dev/null
        timeout --kill-after=1 "$limit" "${smi[@]}" "$@"
        printf '\036%s\n' $?
    )
    if IFS= read -r -d $'\036' -t "$((limit + 2))" text <&3; then IFS= read -r -t 1 status <&3 || true; fi
    exec 3<&-
    case $status in '' | 137) status=124 ;; esac
}

# The pod that process $1 belongs to, between tabs: UID, namespace, name. The kubelet names the folders of its logs so.
_pod() {
    local found folder name
    found=$(grep -m 1 -oE 'pod([0-9a-f]{32}|[0-9a-f]{8}([-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})' "$proc/$1/cgroup" 2>/dev/null)
    found=${found#pod} found=${found//_/-}
    printf '\t%s' "$found"
    for folder in ${found:+"$pods"/*_"$found"}; do
        [[ -d $folder ]] || continue
        name=${folder##*/} name=${name%_*}
        printf '\t%s\t%s' "${name%%_*}" "${name#*_}"
    done
    printf '\n'
}

_processes() { # the XML
    local pid user
    while read -r pid; do
        user=$(stat -c %U "$proc/$pid" 2>/dev/null) || continue
        [[ $user != UNKNOWN ]] || user=$(stat -c %u "$proc/$pid" 2>/dev/null)
        printf '%s\t%s' "$pid" "$user"
        _pod "$pid"
    done < <(grep -oE '<pid>[0-9]+' <<<"$1" | grep -oE '[0-9]+' | sort -nu)
}

# An earlier nvidia-smi that has waited in the kernel for long: another one would only join it.
stuck=$(ps -C nvidia-smi -o pid=,etimes=,stat= 2>/dev/null | awk -v limit="$limit" '$2 > limit && $3 ~ /^D/ { print $1, $2; exit }')
if ((${#smi[@]} == 0)); then
    section smi '' 127
elif [[ $stuck ]]; then
    section smi "process ${stuck% *} waits in the kernel since ${stuck#* } s" 124
else
    _asked -q -x
    section smi "$text" "$status"
    if [[ $status == 0 ]]; then
        section processes "$(_processes "$text")" 0
        if [[ $text == *'<mig_device>'* ]]; then
            _asked -L
            section list "$text" "$status"
        fi
    fi
fi
