# A container with the module gpu gets the NVIDIA driver that this host runs at that time, and its devices.
# rows: F6
# inputs: file
# uses: gpu
#
# A container has the host's /dev; CUDA_VISIBLE_DEVICES, which Slurm sets, selects the GPUs. Upstream's
# activate_gpu_support.sh did the same before there were modules.

check() {
    if ! _hook | same_file "$(input file)"; then untrue "$(input file) is not the module's"; fi
    if [[ $(stat -Lc '%a %U' "$(input file)") != '755 root' ]]; then untrue "$(input file) is not root's with mode 755"; fi
    if [[ -z $(gpu_files) ]]; then untrue "has no NVIDIA driver, which the module gpu brings into containers"; fi
}

apply() {
    keep "$(input file)"
    _hook | write_file "$(input file)" 0755 root:root
}

undo() {
    restore "$(input file)"
}

# Run by /bin/sh as root, without variables, in the folder that becomes the container's /.
_hook() {
    cat <<'END'
#!/bin/sh
# gpu-metal: the driver's libraries and programs, each bound to its place below /shifter-gpu.
PATH=/usr/bin:/usr/sbin:/bin:/sbin:/usr/local/bin
set -eu

find_driver() {
    find /usr/lib64 /usr/lib -maxdepth 4 -name 'libnvidia-ml.so.[0-9]*.[0-9]*' ! -path '*i386*' 2>/dev/null | sort -V | tail -n 1
}

bring() { # FILE FOLDER
    : >"shifter-gpu/$2/${1##*/}"
    mount --bind "$1" "shifter-gpu/$2/${1##*/}"
}

found=$(find_driver)
if [ -z "$found" ]; then
    echo "module gpu: this host has no NVIDIA driver" >&2
    exit 1
fi
folder=${found%/*} version=${found##*libnvidia-ml.so.}
# It is made at the first use of CUDA, by a program that a container has not.
if [ ! -e /dev/nvidia-uvm ] && command -v nvidia-modprobe >/dev/null; then nvidia-modprobe -u -c=0; fi
# Not one of the image's, which may be a link to a folder of the host's.
mkdir shifter-gpu
mkdir shifter-gpu/bin shifter-gpu/lib64
for file in "$folder"/libcuda*.so."$version" "$folder"/libnv*.so."$version"; do
    if [ -e "$file" ]; then bring "$file" lib64; fi
done
# Programs ask for libcuda.so.1, a link to that file.
for link in "$folder"/libcuda*.so* "$folder"/libnv*.so*; do
    target=$(readlink -f "$link" || true)
    if [ -L "$link" ] && [ "${target%/*}" = "$folder" ] && [ -e "shifter-gpu/lib64/${target##*/}" ]; then
        ln -sf "${target##*/}" "shifter-gpu/lib64/${link##*/}"
    fi
done
for name in nvidia-smi nvidia-debugdump nvidia-cuda-mps-control nvidia-cuda-mps-server; do
    file=$(command -v "$name" || true)
    if [ -n "$file" ]; then bring "$(readlink -f "$file")" bin; fi
done
END
}
