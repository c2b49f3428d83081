# The PCI bus shows the NVIDIA GPUs that the site declares, as many and of that model, and the wanted driver fits them.
# rows: G1 G3 G9 H16
# inputs: count model ids
# bulk: misfits
# uses: gpu
#
# ids are the PCI device ids that the model may have; empty when our table lacks it: then lspci's own name is compared.
# misfits are the chips that the wanted driver does not run: `FIRST LAST why`, ids in hexadecimal.

check() {
    local seen count
    if [[ -z $(command -v lspci) ]]; then
        untrue "has no lspci, wants it to count GPUs. Fix: apt-get install pciutils (dnf install pciutils)"
    fi
    seen=$(gpu_ids | wc -l) count=$(input count)
    if ((seen != count)); then
        untrue "has $seen NVIDIA GPUs on the PCI bus, wants $count." \
            "Fix: reseat or replace the missing one (dmesg | grep -i nvrm)," \
            "or write the true number in gpu.count"
    fi
    _check_model
    _check_driver
}

_check_model() {
    local id model ids name word
    model=$(input model) ids=" $(input ids '') "
    for id in $(gpu_ids | sort -u); do
        name=$(_name "$id")
        if [[ $ids != '  ' ]]; then
            if [[ $ids == *" $id "* ]]; then continue; fi
        else
            for word in ${model//[-_\/]/ }; do
                if [[ ${word,,} != nvidia && " ${name,,} " != *[!a-z0-9]"${word,,}"[!a-z0-9]* ]]; then break; fi
                word=''
            done
            # lspci of an old system has no name for a new chip: nvidia-smi is compared later.
            if [[ -z $word || $name == Device\ * ]]; then continue; fi
        fi
        untrue "has $name (10de:$id) on the PCI bus, wants $model. Fix: write the true model in gpu.model"
    done
}

_check_driver() {
    local id first last why
    for id in $(gpu_ids | sort -u); do
        while read -r first last why; do
            if ((0x$id >= 0x$first && 0x$id <= 0x$last)); then
                untrue "has $(_name "$id") (10de:$id): $why. Nothing was changed. Fix: gpu.driver in the site"
            fi
        done < <(_misfits)
    done
}

_misfits() {
    bulk misfits | sed '/^$/d'
}

# As lspci names it: `NVIDIA Corporation GA100 [A100 SXM4 80GB]`
_name() {
    lspci -d "10de:$1" | sed -E '1!d; s/^[^ ]+ [^:]*: //; s/ \(rev .*//'
}
