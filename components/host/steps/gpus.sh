# The PCI bus shows as many NVIDIA GPUs as the site declares; one that fell off the bus is missing here.
# inputs: count

check() {
    local seen count
    if [[ -z $(command -v lspci) ]]; then
        untrue "has no lspci, wants it to count GPUs. Fix: apt-get install pciutils"
    fi
    # Class 0300 is a VGA controller, 0302 a 3D controller, 10de NVIDIA.
    seen=$(lspci -nn | grep -cE '\[030[02]\].*\[10de:' || true)
    count=$(input count)
    if ((seen != count)); then
        untrue "has $seen NVIDIA GPUs on the PCI bus, wants $count." \
            "Fix: reseat or replace the missing one (dmesg | grep -i nvrm)," \
            "or write the true number in gpu.count"
    fi
}
