# shellcheck shell=bash disable=SC2154  # the parts of runner.sh share their variables
# Facts of CPU, disks and network interfaces, from /proc, /sys, lscpu, lsblk and ip.

readonly cpu_flags=' vmx svm hypervisor aes avx2 avx512f amx_tile ' # for virtualisation, and those that libraries need

# Model name and flags of the first CPU, one a line; on POWER the model is `cpu`, and there are no flags.
_first_cpu() {
    awk -F '[ \t]*: ' -v wanted="$cpu_flags" '
        ($1 == "model name" || $1 == "cpu") && !model { model = $2 }
        $1 == "flags" {
            n = split($2, all, " ")
            for (i = 1; i <= n; i++) if (index(wanted, " " all[i] " ")) flags = flags " " all[i]
        }
        $0 == "" && NR > 1 { exit }
        END { print model; print flags }
    ' /proc/cpuinfo
}

_cpu() {
    local model flag words=() flags=() counts
    { read -r model && read -r -a words; } < <(_first_cpu) || true
    for flag in "${words[@]}"; do
        flags+=("\"$flag\"")
    done
    read -r -a counts < <(lscpu -p=SOCKET,CORE,CPU,NODE 2>/dev/null | awk -F , '
        /^#/ { next }
        { sockets[$1]; cores[$1 "," $2]; threads++; nodes[$4] }
        END { if (threads) { print size(sockets), size(cores), threads, size(nodes) } }
        function size(set, key, n) { for (key in set) n++; return n }') || counts=(null null null null)
    json_or_null "$model"
    printf '{"model": %s, "sockets": %s, "cores": %s, "threads": %s, "numa_nodes": %s, "flags": %s}' \
        "$REPLY" "${counts[@]}" "$(_joined "${flags[@]}")"
}

# Reads one line of lsblk -P, KEY="TEXT" …, into the table pairs; lsblk writes bytes that would break the quotes as \x22
declare -A pairs=()
_pairs() { # LINE
    local rest=$1
    pairs=()
    while [[ $rest =~ ^\ *([A-Z:-]+)=\"([^\"]*)\"(.*)$ ]]; do
        rest=${BASH_REMATCH[3]}
        printf -v "pairs[${BASH_REMATCH[1]}]" '%b' "${BASH_REMATCH[2]}"
    done
}

# disk_holds[DISK]: the JSON objects of the filesystems, mounts and other things on it; empty when the disk is free
declare -A disk_holds=()
_read_disks() { # status 1 when lsblk fails: a disk that could not be read must not pass as free
    local line disk name kind filesystem text
    text=$(timeout 5 lsblk -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,FSTYPE,MOUNTPOINT 2>/dev/null) || return
    declare -A top=() # device → the whole disk that it is on
    while IFS= read -r line; do
        _pairs "$line"
        [[ -n ${pairs[KNAME]-} ]] || continue
        disk=${pairs[PKNAME]:+${top[${pairs[PKNAME]:-none}]-}}
        disk=${disk:-${pairs[KNAME]}}
        top[${pairs[KNAME]}]=$disk
        [[ $disk != "${pairs[KNAME]}" || -n ${pairs[FSTYPE]}${pairs[MOUNTPOINT]} ]] || continue
        json_string "${pairs[NAME]}"
        name=$REPLY
        json_string "${pairs[TYPE]}"
        kind=$REPLY
        json_or_null "${pairs[FSTYPE]}"
        filesystem=$REPLY
        json_or_null "${pairs[MOUNTPOINT]}"
        disk_holds[$disk]+="${disk_holds[$disk]:+, }{\"name\": $name, \"kind\": $kind, \"bytes\": ${pairs[SIZE]:-0}, \
\"filesystem\": $filesystem, \"mount\": $REPLY}"
    done <<<"$text"
}

_disks() {
    local device name size model rotational holds known=yes disks=()
    _read_disks || known=''
    for device in /sys/block/*; do
        name=${device##*/}
        case $name in loop* | ram* | zram* | sr* | fd* | dm-* | md* | nbd*) continue ;; esac
        _line "$device/size"
        size=$((${REPLY:-0} * 512))
        ((size > 0)) || continue
        _line "$device/device/model"
        read -r model <<<"$REPLY"
        json_or_null "$model"
        model=$REPLY
        _line "$device/queue/rotational"
        case $REPLY in 0) rotational=false ;; 1) rotational=true ;; *) rotational=null ;; esac
        holds=null
        [[ -z $known ]] || holds="[${disk_holds[$name]-}]"
        json_string "$name"
        disks+=("{\"name\": $REPLY, \"bytes\": $size, \"model\": $model, \"rotational\": $rotational, \
\"holds\": $holds}")
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

_nic() { # /sys/class/net/NAME ADDRESSES…
    local path=$1 text address own=() driver
    json_string "${path##*/}"
    text="\"name\": $REPLY"
    _line "$path/address"
    json_or_null "$REPLY"
    text+=", \"mac\": $REPLY"
    driver=$(readlink "$path/device/driver") || driver=
    json_or_null "${driver##*/}"
    text+=", \"driver\": $REPLY"
    # Reading the speed of an interface that is down is an error; a virtual one has -1.
    _line "$path/speed"
    [[ $REPLY =~ ^[1-9][0-9]*$ ]] || REPLY=null
    text+=", \"speed_mbit\": $REPLY"
    _line "$path/operstate"
    json_or_null "$REPLY"
    text+=", \"state\": $REPLY"
    _line "$path/mtu"
    text+=", \"mtu\": ${REPLY:-null}"
    for address in "${@:2}"; do own+=("\"$address\""); done
    printf '{%s, "addresses": %s}' "$text" "$(_joined "${own[@]}")"
}

# Interfaces that have hardware or an address; neither the loopback nor the host's ends of containers' links.
_nics() {
    local path name kind address list=() words=()
    declare -A found=()
    while read -r _ name kind address _; do
        [[ $kind != inet* ]] || found[$name]+=" $address"
    done < <(ip -o address show 2>/dev/null)
    for path in /sys/class/net/*; do
        name=${path##*/}
        [[ $name != lo && (-e $path/device || -n ${found[$name]-}) ]] || continue
        read -r -a words <<<"${found[$name]-}"
        list+=("$(_nic "$path" "${words[@]}")")
    done
    _joined "${list[@]}"
}
