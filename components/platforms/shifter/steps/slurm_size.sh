# This host is as large as slurm.nodes declares: Slurm gives no jobs to a smaller one.
# rows: F6
# inputs: cpus memory_mb sockets cores threads

check() {
    local seen
    seen=$(getconf _NPROCESSORS_ONLN)
    if ((seen < $(input cpus))); then untrue "has $seen CPUs, slurm.nodes says $(input cpus). Fix: write cpus: $seen"; fi
    seen=$(awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo)
    if ((seen < $(input memory_mb))); then
        untrue "has $seen MB of memory, slurm.nodes says $(input memory_mb). Fix: write memoryMb: $seen or less"
    fi
    _shape sockets 'Socket(s)' sockets
    _shape cores 'Core(s) per socket' coresPerSocket
    _shape threads 'Thread(s) per core' threadsPerCore
}

_shape() { # INPUT LSCPU KEY
    local wanted seen
    wanted=$(input "$1" '')
    if [[ -z $wanted ]]; then return; fi
    seen=$(lscpu | awk -F ': *' -v key="$2" '$1 == key { print $2 }')
    if [[ $seen != "$wanted" ]]; then untrue "has $seen as lscpu's $2, slurm.nodes says $wanted. Fix: write $3: $seen"; fi
}
