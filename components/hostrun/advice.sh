# shellcheck shell=bash disable=SC2034,SC2154  # the parts of runner.sh share their variables
# Advice on firmware settings and their effects (H20): reported only; nothing is set, and no check fails because of it.

# advice: a JSON list of {"about": …, "seen": …, "advice": …}; advice is null when the setting is good or unknown
advice() {
    local about rows=()
    for about in c_states governor iommu secure_boot numa_balancing; do
        _about "$about"
        rows+=("$REPLY")
    done
    _joined "${rows[@]}"
}

_about() { # NAME → REPLY
    local seen='' advice=''
    "_see_$1"
    json_or_null "$seen"
    seen=$REPLY
    json_or_null "$advice"
    REPLY="{\"about\": \"$1\", \"seen\": $seen, \"advice\": $REPLY}"
}

# The deepest idle state that the CPU may enter: from C6 on it takes long to wake, which jobs over the network feel.
_see_c_states() {
    local state deepest=''
    for state in /sys/devices/system/cpu/cpu0/cpuidle/state*; do
        _line "$state/disable"
        [[ $REPLY != 1 ]] || continue
        _line "$state/name"
        deepest=$REPLY
    done
    _line /sys/devices/system/cpu/cpuidle/current_driver
    seen=${deepest:+$deepest by $REPLY}
    if [[ $deepest =~ C([6-9]|10) ]]; then
        advice="For latency: no C-states beyond C1 in the firmware, or kernel.arguments: \
[intel_idle.max_cstate=1, processor.max_cstate=1]."
    fi
}

_see_governor() {
    local driver
    _line /sys/devices/system/cpu/cpu0/cpufreq/scaling_driver
    driver=$REPLY
    _line /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor
    seen=${REPLY:+$REPLY by $driver}
    if [[ -n $REPLY && $REPLY != performance ]]; then
        advice="For steady speed: the firmware's power profile at performance, or tuned: throughput-performance."
    fi
}

# With translation, traffic between GPUs and network cards takes the way by the CPU's root complex.
_see_iommu() {
    local units=(/sys/class/iommu/*) line
    line=" $(</proc/cmdline) "
    if [[ ${#units[@]} -eq 0 ]]; then
        seen=off
    elif [[ $line == *" iommu=pt "* || $line == *" iommu.passthrough=1 "* ]]; then
        seen="on, passed through"
    else
        seen="on"
        advice="For GPUDirect: IOMMU (VT-d, AMD-Vi) and ACS off in the firmware, or kernel.arguments: [iommu=pt]."
    fi
}

# The variable's first four bytes are its attributes, the fifth its value.
_see_secure_boot() {
    local file=/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c value
    if [[ ! -d /sys/firmware/efi ]]; then
        seen="off: started by BIOS"
        return
    fi
    value=$(od -An -tu1 -j4 -N1 -- "$file" 2>/dev/null) || return 0
    if ((value == 1)); then
        seen=on
        advice="The GPU driver's modules must be signed by a key that the firmware has (mokutil), or Secure Boot be off."
    else
        seen=off
    fi
}

_see_numa_balancing() {
    local nodes=(/sys/devices/system/node/node[0-9]*)
    _line /proc/sys/kernel/numa_balancing
    case $REPLY in 0) seen=off ;; ?*) seen=on ;; esac
    if [[ $seen == on && ${#nodes[@]} -gt 1 ]]; then
        advice="It moves pages under running jobs: sysctl: {kernel.numa_balancing: \"0\"}."
    fi
}
