# shellcheck shell=bash disable=SC2154  # the parts of runner.sh share their variables
# Facts about NVIDIA's devices: what the PCI bus shows, and what nvidia-smi reports for each GPU.

nvidia_limit=${GPU_METAL_NVIDIA_LIMIT:-20} # seconds: without a persistence daemon eight GPUs take long to wake
pci_folder=/sys/bus/pci/devices

# Reads the XML of `nvidia-smi -q -x`. Prints `log DRIVER CUDA` and, for each GPU, `gpu BUS NAME …` in the order of
# gpu_cells; cells are separated by \x1f, and an empty cell is a missing value. Knows nvsmi_device_v4 to v13.
# shellcheck disable=SC2016  # $0 is awk's
readonly nvidia_smi_awk='
function plain(text) {
    if (text ~ /^(\[?N\/A\]?|None|Not Found|Not Supported|ERR!)$|Error|deprecated/) return ""
    gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text); gsub(/&apos;/, "\047", text)
    gsub(/&amp;/, "\\&", text)
    return text
}
function of(path) { return plain(value[path]) }
function first(one, other) { return of(one) != "" ? of(one) : of(other) }
function power(name) { return first("gpu_power_readings/" name, "power_readings/" name) }
function begin() {
    split("", value)
    corrected = uncorrected = ""
    processes = 0
    bus = tag
    sub(/^[^"]*"/, "", bus)
    sub(/".*/, "", bus)
}
function end() {
    print "gpu", tolower(bus), of("product_name"), of("product_architecture"), of("uuid"), of("serial"), \
        of("vbios_version"), of("fb_memory_usage/total"), of("ecc_mode/current_ecc"), of("ecc_mode/pending_ecc"), \
        corrected, uncorrected, of("mig_mode/current_mig"), of("mig_mode/pending_mig"), \
        first("gpu_power_readings/current_power_limit", "power_readings/power_limit"), \
        power("default_power_limit"), power("min_power_limit"), power("max_power_limit"), \
        of("persistence_mode"), of("fabric/state"), of("fabric/status"), processes
}
function leaf(path, text) {
    if (index(path, gpu "/") != 1) { root[path] = text; return }
    path = substr(path, length(gpu) + 2)
    value[path] = text
    # Each generation names its ECC counters differently: totals before Volta, then by memory, then by cause.
    if (path !~ /^ecc_errors\/volatile\// || text !~ /^[0-9]+$/) return
    if (path ~ /single_bit\/total$|_correctable$/) corrected += text
    if (path ~ /double_bit\/total$|_uncorrectable/) uncorrected += text
}
BEGIN { RS = "<"; OFS = "\037"; gpu = "/nvidia_smi_log/gpu" }
{ at = index($0, ">"); tag = substr($0, 1, at - 1); text = substr($0, at + 1) }
tag == "" || tag ~ /^[?!]/ || tag ~ /\/$/ { next }
tag ~ /^\// {
    if (texts[depth] != "") leaf(paths[depth], texts[depth])
    if (paths[depth] == gpu) end()
    if (depth > 0) depth--
    next
}
{
    gsub(/^[ \t\r\n]+|[ \t\r\n]+$/, "", text)
    name = tag
    sub(/[ \t].*/, "", name)
    paths[depth + 1] = paths[depth] "/" name
    texts[++depth] = text
    if (paths[depth] == gpu) begin()
    if (paths[depth] == gpu "/processes/process_info") processes++
}
END { print "log", plain(root["/nvidia_smi_log/driver_version"]), plain(root["/nvidia_smi_log/cuda_version"]) }
'

declare -A gpu_says=()  # bus → the cells that nvidia-smi reports
declare -a gpu_known=() # one `BUS CLASS IDS NAME` for each of NVIDIA's devices
driver=null cuda=null driver_says=null pci_says=null

# Without lspci, reads the bus from /sys, which has no names.
_pci_devices() {
    local path class
    if command -v lspci >/dev/null; then
        timeout --kill-after=1 5 lspci -D -nn -d 10de:
        return
    fi
    for path in "$pci_folder"/*; do
        _line "$path/vendor"
        [[ $REPLY == 0x10de ]] || continue
        _line "$path/class"
        class=${REPLY:2:4}
        _line "$path/device"
        printf '%s x [%s]: [10de:%s]\n' "${path##*/}" "$class" "${REPLY#0x}"
    done
}

_read_pci() {
    local text line status=0
    text=$(_pci_devices 2>&1) || status=$?
    ((status == 0)) || { json_string "lspci ended with status $status: ${text%%$'\n'*}" && pci_says=$REPLY; }
    while IFS= read -r line; do
        [[ $line =~ ^([0-9a-f:.]+)\ .*\ \[([0-9a-f]{4})\]:\ (.*)\[(10de:[0-9a-f]{4})\](.*)$ ]] || continue
        line=${BASH_REMATCH[3]% }${BASH_REMATCH[5]}
        gpu_known+=("${BASH_REMATCH[1]} ${BASH_REMATCH[2]} ${BASH_REMATCH[4]} $line")
    done <<<"$text"
}

_read_nvidia_smi() {
    local text line kind rest status=0
    command -v nvidia-smi >/dev/null || return 0
    text=$(timeout --kill-after=1 "$nvidia_limit" nvidia-smi -q -x 2>&1) || status=$?
    case $status in
        0) ;;
        124 | 137) line="nvidia-smi gave no answer within $nvidia_limit s" ;;
        *) line="nvidia-smi ended with status $status: ${text%%$'\n'*}" ;;
    esac
    [[ -z ${line-} ]] || { json_string "$line" && driver_says=$REPLY && return 0; }
    while IFS= read -r line; do
        kind=${line%%$'\x1f'*} rest=${line#*$'\x1f'}
        if [[ $kind == log ]]; then
            json_or_null "${rest%%$'\x1f'*}" && driver=$REPLY
            json_or_null "${rest#*$'\x1f'}" && cuda=$REPLY
        else
            _bus "${rest%%$'\x1f'*}"
            gpu_says[$REPLY]=${rest#*$'\x1f'}
        fi
    done < <(awk "$nvidia_smi_awk" <<<"$text")
}

# _bus TEXT → REPLY: with a domain of four digits, as lspci has it; nvidia-smi writes eight
_bus() {
    REPLY=$1
    [[ ! $1 =~ ^0000([0-9a-f]{4}:.*)$ ]] || REPLY=${BASH_REMATCH[1]}
}

# _json_cell TEXT KIND → REPLY: text, number (`80.00 W` is 80) or switch (Enabled, Disabled), else null
_json_cell() {
    REPLY=null
    case $2 in
        text) json_or_null "$1" ;;
        number) [[ ! $1 =~ ^([0-9]+)(\.[0-9]+)?( |$) ]] || REPLY=${BASH_REMATCH[1]} ;;
        switch) case $1 in Enabled) REPLY=true ;; Disabled) REPLY=false ;; esac ;;
    esac
}

# The cells of one GPU, in order: `KEY:KIND`
readonly -a gpu_cells=(model:text architecture:text uuid:text serial:text vbios:text memory_mib:number
    ecc:switch ecc_pending:switch ecc_corrected:number ecc_uncorrected:number mig:switch mig_pending:switch
    power_limit_watts:number power_default_watts:number power_least_watts:number power_most_watts:number
    persistence:switch fabric_state:text fabric_status:text processes:number)

_gpu_device() { # BUS IDS NAME
    local cells index text
    IFS=$'\x1f' read -r -a cells <<<"${gpu_says[$1]-}"
    json_string "$1"
    text="\"bus\": $REPLY"
    json_or_null "$2"
    text+=", \"ids\": $REPLY"
    json_or_null "$3"
    text+=", \"name\": $REPLY"
    for index in "${!gpu_cells[@]}"; do
        _json_cell "${cells[index]-}" "${gpu_cells[index]#*:}"
        text+=", \"${gpu_cells[index]%:*}\": $REPLY"
    done
    printf '{%s}' "$text"
}

_gpus() {
    local one bus class ids name names=() devices=() switches=0
    _read_pci
    _read_nvidia_smi
    for one in "${gpu_known[@]}"; do
        read -r bus class ids name <<<"$one"
        [[ $class != 0680 ]] || switches=$((switches + 1))
        # Not the GPU's sound device, nor the NVSwitches.
        [[ $class == 0300 || $class == 0302 ]] || continue
        json_string "${name:-NVIDIA device $ids}"
        names+=("$REPLY")
        devices+=("$(_gpu_device "$bus" "$ids" "$name")")
    done
    if [[ $driver != null ]] && ((${#gpu_says[@]} != ${#devices[@]})); then
        json_string "nvidia-smi shows ${#gpu_says[@]} GPUs, the PCI bus ${#devices[@]}"
        driver_says=$REPLY
    fi
    printf '{"count": %d, "names": %s, "driver": %s, "driver_says": %s, "cuda": %s, "pci_says": %s, ' \
        "${#names[@]}" "$(_joined "${names[@]}")" "$driver" "$driver_says" "$cuda" "$pci_says"
    printf '"nvswitches": %d, "devices": %s}' "$switches" "$(_joined "${devices[@]}")"
}
