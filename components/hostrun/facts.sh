# shellcheck shell=bash disable=SC2034,SC2154  # the parts of runner.sh share their variables
# Facts about the machine, as JSON. Changes nothing; a fact that cannot be read is null. Keys are only ever added.

# shellcheck source=facts_hardware.sh
. "$code/facts_hardware.sh"
# shellcheck source=facts_gpu.sh
. "$code/facts_gpu.sh"
# shellcheck source=advice.sh
. "$code/advice.sh"

_line() { # FILE → REPLY: its first line, empty when it cannot be read
    REPLY=
    # A line without its end is read, and yet `read` fails.
    [[ ! -r $1 ]] || read -r REPLY 2>/dev/null <"$1" || true
}

_fact() { # KEY JSON
    printf '  "%s": %s,\n' "$1" "$2"
}

_text_fact() { # KEY TEXT
    json_or_null "$2"
    _fact "$1" "$REPLY"
}

_joined() { # PARTS… → [a, b]
    local IFS=,
    printf '[%s]' "$*"
}

_program_version() { # PROGRAM: the first x.y.z that it prints
    local text
    text=$(timeout 5 "$1" --version 2>/dev/null) || true
    [[ ! $text =~ [0-9]+\.[0-9]+\.[0-9]+[^\ ,]* ]] || printf '%s' "${BASH_REMATCH[0]}"
}

_os_facts() {
    local ID='' VERSION_ID='' VERSION_CODENAME='' PRETTY_NAME=''
    # shellcheck source=/dev/null
    [[ ! -r /etc/os-release ]] || . /etc/os-release
    json_or_null "$ID"
    printf '{"id": %s, ' "$REPLY"
    json_or_null "$VERSION_ID"
    printf '"version": %s, ' "$REPLY"
    json_or_null "$VERSION_CODENAME"
    printf '"codename": %s, ' "$REPLY"
    json_or_null "$PRETTY_NAME"
    printf '"name": %s}' "$REPLY"
}

_memory() { # → memory_bytes and swap_bytes
    local key value memory=0 swap=0
    while read -r key value _; do
        case $key in
            MemTotal:) memory=$((value * 1024)) ;;
            SwapTotal:) swap=$((value * 1024)) ;;
        esac
    done </proc/meminfo
    _fact memory_bytes "$memory"
    _fact swap_bytes "$swap"
}

_cgroup() {
    if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then printf 2; else printf 1; fi
}

_versions() { # → versions; also the keys containerd and kubelet, which older readers expect
    local program text='' containerd='' kubelet=''
    for program in containerd docker kubelet nvidia-ctk runc; do
        json_or_null "$(_program_version "$program")"
        text+="${text:+, }\"$program\": $REPLY"
        case $program in containerd) containerd=$REPLY ;; kubelet) kubelet=$REPLY ;; esac
    done
    _fact versions "{$text}"
    _fact containerd "$containerd"
    _fact kubelet "$kubelet"
}

_package_manager() {
    local manager
    for manager in apt-get dnf; do
        if command -v "$manager" >/dev/null; then
            printf '%s' "$manager"
            return
        fi
    done
}

# As the kernel reports it; empty on a host without SELinux.
_selinux() {
    if [[ ! -d /sys/fs/selinux ]]; then return; fi
    _line /sys/fs/selinux/enforce
    case $REPLY in 1) printf enforcing ;; 0) printf permissive ;; *) printf disabled ;; esac
}

_listed() { # lines of stdin, as a list of JSON
    local line list=()
    while IFS= read -r line; do
        json_string "$line"
        list+=("$REPLY")
    done
    _joined "${list[@]}"
}

_active() { # UNITS…: those that run
    local state states
    mapfile -t states < <(timeout 5 systemctl is-active "$@" 2>/dev/null)
    for state in "${states[@]}"; do
        [[ $state != active ]] || printf '%s\n' "$1"
        shift
    done
}

# ufw's unit only loads the rules and ends: whether ufw is on is in its own file.
_firewalls() {
    _active firewalld nftables
    if grep -qs '^ENABLED=yes' /etc/ufw/ufw.conf; then printf 'ufw\n'; fi
}

# Is the clock synchronised? By chrony's answer, else by systemd's; null when neither answers.
_clock_in_sync() {
    local said
    if said=$(timeout 5 chronyc -c tracking 2>/dev/null); then
        if [[ $said == *,Normal ]]; then printf true; else printf false; fi
    elif said=$(timeout 5 timedatectl show --property=NTPSynchronized --value 2>/dev/null); then
        if [[ $said == yes ]]; then printf true; else printf false; fi
    else
        printf null
    fi
}

_identities() {
    local key
    for key in machine_id:/etc/machine-id product_uuid:/sys/class/dmi/id/product_uuid \
        boot_id:/proc/sys/kernel/random/boot_id vendor:/sys/class/dmi/id/sys_vendor \
        product:/sys/class/dmi/id/product_name; do
        _line "${key#*:}"
        _text_fact "${key%%:*}" "$REPLY"
    done
}

facts() {
    printf '{\n'
    _text_fact hostname "$(uname -n)"
    _text_fact identity "$identity"
    _fact os "$(_os_facts)"
    _text_fact kernel "$(uname -r)"
    _text_fact arch "$(uname -m)"
    _fact cpus "$(nproc --all)"
    _fact cpu "$(_cpu)"
    _memory
    _fact disks "$(_disks)"
    _fact cgroup "$(_cgroup)"
    _identities
    _fact addresses "$(_addresses)"
    _fact nics "$(_nics)"
    _fact gpus "$(_gpus)"
    _versions
    _text_fact package_manager "$(_package_manager)"
    _text_fact selinux "$(_selinux)"
    _fact firewall "$(_firewalls | _listed)"
    _fact time_services "$(_active chrony chronyd systemd-timesyncd ntp ntpsec ntpd | _listed)"
    _fact clock_in_sync "$(_clock_in_sync)"
    _fact advice "$(advice)"
    _text_fact systemd "$(timeout 5 systemctl is-system-running 2>/dev/null || true)"
    printf '  "time": %(%s)T\n}\n' -1
}
