# nvidia-smi answers and shows what the site declares: driver, CUDA, number and model of the GPUs, ECC, MIG, persistence.
# rows: G6 G1 G4 G8 H20
# inputs: count model ids driver cuda ecc mig persistence
# uses: gpu
#
# A driver of others may come later, or in a container (GPU Operator): without nvidia-smi there is nothing to read.

check() {
    local answer
    if [[ -z $(input driver '') && -z $(command -v nvidia-smi) ]]; then return; fi
    answer=$(_ask --query-gpu="$_fields" --format=csv,noheader)
    _check_driver
    _check_count "$answer"
    _check_each "$answer"
}

_fields=index,pci.device_id,ecc.mode.current,mig.mode.current,persistence_mode,name

# Prints nvidia-smi's answer, or fails with the reason why there is none.
_ask() {
    local answer status=0 jobs
    if [[ -z $(command -v nvidia-smi) ]]; then
        untrue "has no nvidia-smi, wants a driver. Fix: gpu.driver in the site, or install it"
    fi
    answer=$(timeout --kill-after=5 60 nvidia-smi "$@" 2>&1) || status=$?
    case $answer in
        *'Driver/library version mismatch'*)
            jobs=$(gpu_jobs)
            untrue "kernel runs $(gpu_loaded), files are $(gpu_files). A reboot is due${jobs:+; GPU jobs run: $jobs}." \
                "Fix: ${jobs:+stop them, then }systemctl reboot"
            ;;
    esac
    case $status in
        0) printf '%s\n' "$answer" ;;
        124 | 137) untrue "nvidia-smi gave no answer within 60 s. Fix: dmesg | grep -i -e nvrm -e xid; then systemctl reboot" ;;
        *) untrue "nvidia-smi ended with status $status: ${answer%%$'\n'*}. Fix: dmesg | grep -i nvrm says why" ;;
    esac
}

_check_driver() {
    local wanted cuda seen
    wanted=$(input driver '') cuda=$(input cuda '')
    seen=$(gpu_loaded)
    if [[ -n $wanted ]] && ! gpu_is "$seen" "$wanted"; then
        untrue "kernel runs driver $seen, wants $wanted. Fix: systemctl reboot, if $wanted is installed (files: $(gpu_files))"
    fi
    if [[ -z $cuda ]]; then return; fi
    seen=$(_ask -q | sed -nE '0,/^CUDA/ s/^CUDA (UMD )?Version *: *([0-9.]+).*/\2/p')
    if [[ $(printf '%s\n' "$cuda" "$seen" | sort -V | head -n 1) != "$cuda" ]]; then
        untrue "driver $(gpu_loaded) offers CUDA ${seen:-of no known version}, wants $cuda or later." \
            "Fix: a later gpu.driver, or an earlier gpu.cuda"
    fi
}

_check_count() {
    local seen
    seen=$(printf '%s' "$1" | grep -c . || true)
    if [[ $seen != "$(input count)" ]]; then
        untrue "nvidia-smi shows $seen GPUs, wants $(input count). Fix: dmesg | grep -i -e nvrm -e xid tells of the missing one"
    fi
}

_check_each() {
    local gpu id ecc mig persistence name ids
    ids=" $(input ids '') "
    while IFS=, read -r gpu id ecc mig persistence name; do
        id=${id// 0x/}
        id=${id:0:4}
        # Compare the PCI id if our table has ids for the model, else the words of the name.
        if [[ $ids != '  ' && $ids != *" ${id,,} "* ]] || { [[ $ids == '  ' ]] && ! _has_words "$name"; }; then
            untrue "GPU $gpu is$name (10de:${id,,}), wants $(input model). Fix: write the true model in gpu.model"
        fi
        _check_mode "$gpu" ECC "$ecc" "$(input ecc '')" "nvidia-smi -i $gpu -e"
        _check_mode "$gpu" 'MIG mode' "$mig" "$(input mig '')" "nvidia-smi -i $gpu -mig"
        _check_mode "$gpu" persistence "$persistence" "$(input persistence '')" "nvidia-smi -i $gpu -pm"
    done <<<"$1"
}

_check_mode() { # GPU WHAT SEEN WANTED FIX
    local wanted=Disabled switch=0
    if [[ -z $4 ]]; then return; fi
    if [[ $4 == on ]]; then wanted=Enabled switch=1; fi
    # A mode that the card does not have is off.
    if [[ $4 == off && $3 == *N/A* ]]; then return; fi
    if [[ ${3# } != "$wanted" ]]; then
        untrue "GPU $1 has $2${3}, wants $wanted. Fix: $5 $switch, then a reset (nvidia-smi -r) or a restart"
    fi
}

_has_words() { # NAME
    local word model
    model=$(input model)
    for word in ${model//[-_\/]/ }; do
        if [[ ${word,,} != nvidia && " ${1,,} " != *[!a-z0-9]"${word,,}"[!a-z0-9]* ]]; then return 1; fi
    done
}
