#!/usr/bin/env bash
# Stand-in of the gpu-metal lab, not SQream's own: the console. The vendor's is an interactive program in a container.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/.install/common.sh"
# shellcheck source=console.sh
. "$here/.install/console.sh"

if (($#)); then
    echo "sqream-console $CO: stand-in of the gpu-metal lab, not SQream's own. Commands are typed in." >&2
    exit 2
fi
[[ -t 0 ]] || { echo 'the input device is not a TTY' >&2 && exit 1; }
env=$(getent passwd "$(id -un)" | cut -d: -f6)/.sqream/env_file
[[ -r $env ]] || { echo 'error: SQream is not installed' && exit 1; }
if [[ $(setting "$env" SQREAM_TAG) != "$DB" ]]; then
    echo "error: this console is $CO of SQreamDB $DB; the installation is SQreamDB $(setting "$env" SQREAM_TAG)"
    exit 1
fi
docker image inspect "sqream_console:$CO" >/dev/null || exit 1
printf '\n   Stand-in of the gpu-metal lab\n   Welcome to SQream Console ver %s, type exit to log-out\n\n' "$CO"
usage
while printf 'sqream-console>' && read -r line; do
    read -ra words <<<"$line"
    case ${words[0]-} in
        exit) exit 0 ;;
        '') ;;
        sqream) (sqream "${words[@]:1}") || true ;;
        *) bash -c "$line" || true ;;
    esac
done
echo
