# shellcheck shell=bash
# For steps with `# uses: host`: users of this host's GPUs, running containers, reloads of systemd that are safe for
# them, systemd timers, nftables' tables, and local users with their rights as root.

# The users of the GPUs are read from /proc alone, which still works when NVML fails or hangs.

# gpu_busy: one line `PID NAME` per process that computes on a GPU; status 1 when there is none.
# Every CUDA process holds /dev/nvidia-uvm open; what only watches the GPUs (NVML, DCGM) does not. The persistence
# daemon may, to keep that module loaded.
gpu_busy() {
    local pid name found=1
    while read -r pid; do
        read -r name 2>/dev/null <"/proc/$pid/comm" || continue
        [[ $name != nvidia-persiste* ]] || continue
        printf '%s %s\n' "$pid" "$name"
        found=0
    done < <(find /proc/[0-9]*/fd -maxdepth 1 -lname /dev/nvidia-uvm -printf '%h\n' 2>/dev/null | cut -d/ -f3 | sort -nu)
    return "$found"
}

# gpu_containers [losing]: one line `CONTAINER (PID NAME)` per running container that has a GPU, also an idle one;
# status 1 when there is none. `losing`: only those that `systemctl daemon-reload` would cost their GPUs, because the
# toolkit's hook, unlike CDI, adds the devices without systemd's knowledge.
gpu_containers() {
    local pid group name host found=1
    host=$(stat -Lc %d /dev)
    while read -r _ pid; do
        # A service with a private /tmp has a mount namespace too, and the host's /dev.
        [[ $(stat -Lc %d "/proc/$pid/root/dev" 2>/dev/null) != "$host" ]] || continue
        compgen -G "/proc/$pid/root/dev/nvidia[0-9]*" >/dev/null || continue
        group=$(_unit_group "$pid")
        [[ ${1-} != losing ]] || _loses_devices "$group" || continue
        read -r name 2>/dev/null <"/proc/$pid/comm" || continue
        printf '%s (%s %s)\n' "$(_container_name "$group")" "$pid" "$name"
        found=0
    done < <(_mount_namespaces)
    return "$found"
}

# docker_containers: the name of each container that runs under Docker, one a line; status 1 when none runs
docker_containers() {
    local names
    names=$(timeout 30 docker ps --format '{{.Names}}' 2>/dev/null) || names=$(_docker_shims)
    [[ -n $names ]] && sort <<<"$names"
}

# The first 12 digits of their ids, from the processes that hold them: these outlive a daemon that does not answer.
_docker_shims() {
    find /proc/[0-9]*/cmdline -maxdepth 0 2>/dev/null | while read -r file; do
        { tr '\0' ' ' <"$file" || true; } 2>/dev/null
        echo
    done | sed -nE 's/^\S*containerd-shim.* -namespace moby .*-id ([0-9a-f]{12}).*/\1/p'
}

# `NAMESPACE PID` of the oldest process of each mount namespace
_mount_namespaces() {
    find /proc/[0-9]*/ns/mnt -maxdepth 0 -printf '%l %p\n' 2>/dev/null | awk -F '[ /]' \
        '!($1 in first) || $4 < first[$1] { first[$1] = $4 } END { for (n in first) print n, first[n] }'
}

# The process's control group as systemd sees it
_unit_group() {
    sed -nE 's/^(0:|[0-9]+:name=systemd):(.*)/\2/p' "/proc/$1/cgroup" 2>/dev/null | tail -n 1
}

# The first 12 digits of a container's id, else the group's own name
_container_name() {
    local name=${1##*/}
    [[ ! $name =~ [0-9a-f]{64} ]] || name=${BASH_REMATCH[0]:0:12}
    printf '%s' "${name:-unknown}"
}

# Does systemd restrict the group's devices without knowing NVIDIA's (character devices 195)?
_loses_devices() {
    local policy allowed
    [[ $1 == *.scope ]] || return 1
    policy=$(systemctl show --property=DevicePolicy --value -- "${1##*/}" 2>/dev/null)
    allowed=$(systemctl show --property=DeviceAllow --value -- "${1##*/}" 2>/dev/null)
    [[ $policy == strict && $allowed != *char-nvidia* && $allowed != */195:* ]]
}

# systemd_reload [UNIT]: daemon-reload; with UNIT, only when its file has changed since systemd read it (systemd does
# not always notice new drop-ins). Refused while it would cost running containers their GPUs. `systemctl enable`,
# `disable` and `mask` reload too, unless they are given --no-reload.
systemd_reload() {
    local losing
    [[ $# -eq 0 || $(systemctl show --property=NeedDaemonReload --value -- "$1") == yes ]] || return 0
    if losing=$(gpu_containers losing); then
        printf 'systemd was not reloaded: a reload would cost running containers their GPUs (%s). %s\n' \
            "$(paste -sd, <<<"$losing")" "Fix: stop them (kubectl drain $(uname -n) in a cluster), then run again" >&2
        return 1
    fi
    systemctl daemon-reload
}

# For steps with a program that a systemd timer runs: a service and a timer of the same name, UNIT. The step has two
# functions, `_service` and `_timer`, which print the two files.

# timer_check UNIT CONSEQUENCE: ends check unless both files are the site's and the timer runs; CONSEQUENCE says what
# happens without it.
timer_check() {
    local kind
    for kind in service timer; do
        if ! "_$kind" | same_file "/etc/systemd/system/$1.$kind"; then untrue "/etc/systemd/system/$1.$kind is not the site's"; fi
    done
    if ! systemctl is-enabled -q "$1.timer" || ! systemctl is-active -q "$1.timer"; then untrue "$1.timer does not run, so $2"; fi
}

# timer_on UNIT: writes both files, and starts the timer, also when the host starts. A unit of that name that others made
# is kept.
timer_on() {
    local kind file
    for kind in service timer; do
        file=/etc/systemd/system/$1.$kind
        if [[ ! -e $file || $(head -n 1 -- "$file") != '# gpu-metal' ]]; then keep "$file"; fi
        "_$kind" | write_file "$file" 0644
        systemd_reload "$1.$kind"
    done
    systemctl reset-failed "$1.service" 2>/dev/null || true
    if ! systemctl is-enabled -q "$1.timer"; then systemctl enable -q --no-reload "$1.timer"; fi
    systemctl restart "$1.timer"
}

# timer_off UNIT: stops both, and takes their files away, or puts back those of others
timer_off() {
    local kind file
    systemctl disable -q --no-reload "$1.timer" 2>/dev/null || true
    systemctl stop "$1.timer" "$1.service" 2>/dev/null || true
    systemctl reset-failed "$1.timer" "$1.service" 2>/dev/null || true
    for kind in timer service; do
        file=/etc/systemd/system/$1.$kind
        if kept "$file"; then restore "$file"; else rm -f -- "$file"; fi
    done
    rm -f -- "/var/lib/systemd/timers/stamp-$1.timer"
}

# timer_period UNIT: the longest time, in seconds, between the next ten times of a timer that goes by the calendar
timer_period() {
    local said next last='' longest=0
    while read -r said; do
        next=$(date -d "$said" +%s)
        if [[ -n $last ]] && ((next - last > longest)); then longest=$((next - last)); fi
        last=$next
    done < <(systemd-analyze calendar --iterations=10 "$(sed -n 's/^OnCalendar=//p' "/etc/systemd/system/$1.timer")" |
        sed -nE 's/^ *(Next elapse|Iter\. #[0-9]+|Iteration #[0-9]+): //p')
    printf '%s\n' "$longest"
}

# For steps with an nftables table of their own and a systemd unit that loads it.

# nft_seen FAMILY TABLE: prints the loaded table as nft shows it
nft_seen() { nft --stateless list table "$1" "$2" 2>/dev/null || printf 'no table\n'; }

# nft_wanted FAMILY TABLE: prints the rules of stdin as this nft shows them, by loading them in a temporary network
# namespace
nft_wanted() {
    # shellcheck disable=SC2016  # the inner bash expands it
    unshare --net bash -c 'nft --file - && nft --stateless list table "$1" "$2"' _ "$1" "$2"
}

# nft_off UNIT FAMILY TABLE: turns the unit off and removes the table
nft_off() {
    if [[ -e /etc/systemd/system/$1 ]]; then
        systemctl disable -q --no-reload "$1"
        systemctl stop "$1"
    fi
    # An interrupted apply may have loaded the table without starting the unit that removes it.
    if nft list table "$2" "$3" >/dev/null 2>&1; then nft delete table "$2" "$3"; fi
}

# For steps about local users.

# logs_in NAME: is NAME the site's login user (input login), or the user that runs this?
logs_in() { [[ $(input login no) == yes ]] || grep -q "^held since [^ ]* by $1[ ,]" "$GPU_METAL_RUN/lock"; }

# sudo_allows NAME REGEX: has sudo a rule for the user NAME whose commands match REGEX?
sudo_allows() { sudo -n -l -U "$1" 2>/dev/null | grep -E "^ +\(.*\).* ?$2" >/dev/null; }

# root_groups NAME: those of the user's groups that let it become root, one a line
root_groups() { id -nG "$1" | tr ' ' '\n' | grep -xE 'sudo|wheel' || true; }

# own_account NAME NUMBER HOME: ends check or apply unless the user NAME was made here, or its name, NUMBER and group are
# free, and no other home beside HOME is of that number: it would be that of somebody who left.
own_account() {
    local holder made=/var/lib/gpu-metal/accounts/user-$1/before
    if [[ -s $made ]] || [[ ! -e $made && -n $(getent passwd "$1") ]]; then
        untrue "has a user $1 already, made by others, and the site would make it one of its users." \
            "Fix: if both are the same person, write accounts: {$1: {}} for this host; if not, another name under users"
    fi
    holder=$(getent passwd "$2" | cut -d: -f1 || true)
    if [[ -n $holder && $holder != "$1" ]]; then
        untrue "has number $2 for user $holder, wants it for $1. Fix: write a number in users.$1.uid that is free on every host"
    fi
    holder=$(getent group "$2" | cut -d: -f1 || true)
    if [[ -n $holder && $holder != "$1" ]]; then
        untrue "has number $2 for group $holder, wants it for the group of $1." \
            "Fix: write a number in users.$1.uid that is free on every host"
    fi
    holder=$(getent group "$1" | cut -d: -f3 || true)
    if [[ -n $holder && $holder != "$2" ]]; then
        untrue "has group $1 with number $holder, wants $2 for the user's own." \
            "Fix: another name under users; or, if no file belongs to that group: groupdel $1"
    fi
    if [[ -n $(getent passwd "$1") || ! -d $(dirname "$3") ]]; then return; fi
    holder=$(find -H "$(dirname "$3")" -mindepth 1 -maxdepth 1 -type d -uid "$2" ! -path "$3" -print -quit)
    if [[ -n $holder ]]; then
        untrue "has $holder of number $2, which $1 would own: the home of somebody who had that number." \
            "Fix: write a number in users.$1.uid that nobody had; or, for the same person, users.$1.home: $holder"
    fi
}
