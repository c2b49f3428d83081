# shellcheck shell=bash disable=SC2034,SC2154  # the parts of runner.sh share their variables
# What the machine says of itself, as JSON. Changes nothing; what cannot be read is null.

_line() { # FILE → REPLY: its first line, empty when it cannot be read
    REPLY=
    [[ -r $1 ]] && read -r REPLY <"$1" 2>/dev/null
    return 0
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

_disks() {
    local device size model disks=()
    for device in /sys/block/*; do
        case ${device##*/} in loop* | ram* | zram* | sr* | fd* | dm-* | md* | nbd*) continue ;; esac
        _line "$device/size"
        size=$((${REPLY:-0} * 512))
        ((size > 0)) || continue
        _line "$device/device/model"
        json_or_null "$REPLY"
        model=$REPLY
        json_string "${device##*/}"
        disks+=("{\"name\": $REPLY, \"bytes\": $size, \"model\": $model}")
    done
    _joined "${disks[@]}"
}

_addresses() {
    local name kind address mtu list=()
    while read -r _ name kind address _; do
        [[ $kind == inet* ]] || continue
        _line "/sys/class/net/$name/mtu"
        mtu=${REPLY:-null}
        json_string "$name"
        list+=("{\"interface\": $REPLY, \"address\": \"$address\", \"mtu\": $mtu}")
    done < <(ip -o address show scope global 2>/dev/null)
    _joined "${list[@]}"
}

_gpus() {
    local line names=() driver='' status=0
    while IFS= read -r line; do
        # Not the GPU's sound device, nor the NVSwitches.
        [[ $line == *"3D controller"* || $line == *"VGA compatible controller"* ]] || continue
        json_string "${line#*: }"
        names+=("$REPLY")
    done < <(timeout 5 lspci -d 10de: 2>/dev/null)
    if command -v nvidia-smi >/dev/null; then
        driver=$(timeout --kill-after=1 5 nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>&1) || status=$?
    fi
    driver=${driver%%$'\n'*}
    case $status in
        0) json_or_null "$driver" && driver=$REPLY line=null ;;
        124 | 137) driver=null line='"nvidia-smi gave no answer within 5 s"' ;;
        *) json_string "nvidia-smi ended with status $status: $driver" && driver=null line=$REPLY ;;
    esac
    printf '{"count": %d, "names": %s, "driver": %s, "driver_says": %s}' \
        "${#names[@]}" "$(_joined "${names[@]}")" "$driver" "$line"
}

_program_version() { # PROGRAM: the first x.y.z that it prints
    local text
    text=$(timeout 5 "$1" --version 2>/dev/null) || true
    [[ ! $text =~ [0-9]+\.[0-9]+\.[0-9]+[^\ ]* ]] || printf '%s' "${BASH_REMATCH[0]}"
}

_os_facts() {
    local ID='' VERSION_ID=''
    # shellcheck source=/dev/null
    [[ ! -r /etc/os-release ]] || . /etc/os-release
    json_or_null "$ID"
    printf '{"id": %s, ' "$REPLY"
    json_or_null "$VERSION_ID"
    printf '"version": %s}' "$REPLY"
}

facts() {
    local key value cgroup=1 memory=0
    while read -r key value _; do
        [[ $key != MemTotal: ]] || memory=$((value * 1024))
    done </proc/meminfo
    [[ ! -e /sys/fs/cgroup/cgroup.controllers ]] || cgroup=2
    printf '{\n'
    _text_fact hostname "$(uname -n)"
    _text_fact identity "$identity"
    _fact os "$(_os_facts)"
    _text_fact kernel "$(uname -r)"
    _text_fact arch "$(uname -m)"
    _fact cpus "$(nproc --all)"
    _fact memory_bytes "$memory"
    _fact disks "$(_disks)"
    _fact cgroup "$cgroup"
    for key in machine_id:/etc/machine-id product_uuid:/sys/class/dmi/id/product_uuid \
        boot_id:/proc/sys/kernel/random/boot_id; do
        _line "${key#*:}"
        _text_fact "${key%%:*}" "$REPLY"
    done
    _fact addresses "$(_addresses)"
    _fact gpus "$(_gpus)"
    _text_fact containerd "$(_program_version containerd)"
    _text_fact kubelet "$(_program_version kubelet)"
    _text_fact systemd "$(timeout 5 systemctl is-system-running 2>/dev/null || true)"
    printf '  "time": %(%s)T\n}\n' -1
}
