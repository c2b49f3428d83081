# What sqream-install and sqream-console share. Stand-in of the gpu-metal lab, not SQream's own.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1091  # versions: INSTALLER DB CO ED METADATA WEB
. "$here/.sqream/versions"

fault() { [[ " $(cat /run/lab-sqream 2>/dev/null) " == *" $1 "* ]]; }

# Running services, the newest first, as docker names them
services() { docker ps --filter 'name=^/sqream_' --format '{{.Names}}'; }

runs() { [[ -n $(docker ps -q --filter "name=^/$1\$") ]]; }

# The value of $2 in the environment file $1
setting() { sed -n "s/^$2=//p" "$1"; }

gpus() { nvidia-smi -L | wc -l; }

# The value of $2 in the licence of the configuration folder $1
licensed() { sed -n "s/^$2=//p" "$1/license/license" 2>/dev/null || true; }

# Why the licence of the configuration folder $1 does not hold; nothing when it does
license_problem() {
    local expires gpus
    if [[ ! -r $1/license/license ]]; then echo 'no license is installed' && return; fi
    expires=$(licensed "$1" expires)
    gpus=$(licensed "$1" gpus)
    if [[ ! $expires > $(date +%F) ]]; then
        echo "license expired on $expires"
    elif [[ -n $gpus && $(nvidia-smi -L) != *": $gpus ("* ]]; then
        echo "license is for other GPUs: $gpus"
    fi
}

# What -s and --settings print of the environment file $1
settings() {
    local config i smi
    config=$(setting "$1" SQREAM_CONFIG_DIR)
    smi=$(nvidia-smi 2>/dev/null || true)
    grep -E '^SQREAM_.*_TAG=|^SQREAM_TAG=' "$1"
    for ((i = 0; i < $(licensed "$config" workers || true); i++)); do
        printf 'license_worker_%d=%s:\n' "$i" "$(printf '%s %d' "$config" "$i" | sha256sum | sed -E 's/^(..)(..).*/\1:\2/')"
    done
    grep -E '^SQREAM_(VOLUME|DATA_INGEST|CONFIG_DIR)=' "$1"
    echo "LICENSE_VALID=$([[ -z $(license_problem "$config") ]] && echo true || echo false)"
    grep -E '^(SQREAM_(LOG_DIR|USER|HOME|ENV_PATH)|PROCESSOR|METADATA_PORT|PICKER_PORT)=' "$1"
    echo "NUM_OF_GPUS=$(gpus)"
    echo "CUDA_VERSION=$(sed -nE 's/.*CUDA Version: ([0-9.]+).*/\1/p' <<<"$smi")"
    echo "NVIDIA_SMI_PATH=$(command -v nvidia-smi)"
    echo "DOCKER_PATH=$(command -v docker)"
    echo "NVIDIA_DRIVER=$(sed -nE 's/.*Driver Version: ([0-9]+).*/\1/p' <<<"$smi")"
    grep -E '^(SQREAM_MODE|KRB5_.*)=' "$1"
}
