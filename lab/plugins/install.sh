#!/usr/bin/env bash
# Puts the stand-in plugins into $PULUMI_HOME (default ~/.pulumi) with the `pulumi` on PATH; nothing to do = no time.
# What is installed is a launcher with this checkout's absolute paths: after moving the checkout, run this again.
# An official plugin that is already there stays.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)
home=${PULUMI_HOME:-$HOME/.pulumi}
mark='# Stand-in plugin of the gpu-metal lab'

# launcher PACKAGE: PYTHONDONTWRITEBYTECODE would make every start four times slower; -P keeps the caller's folder off
# the module path, so another checkout's `lab` cannot be taken for this one's.
launcher() {
    printf '#!/usr/bin/env bash\n%s: written by %q\n' "$mark" "$here/install.sh"
    printf 'unset PYTHONDONTWRITEBYTECODE\n'
    printf 'PYTHONPATH=%q exec %q -P -m lab.plugins.%s "$@"\n' "$checkout" "$checkout/.venv/bin/python" "$1"
}

# place NAME: the version is the one that pyproject.toml pins for the SDK.
place() {
    local name=$1 version target text
    version=$(sed -n "s/.*\"pulumi-$name==\([0-9.]*\)\".*/\1/p" "$checkout/pyproject.toml")
    target=$home/plugins/resource-$name-v$version/pulumi-resource-$name
    text=$(launcher "${name}_provider")
    if [[ -e $target ]]; then
        if ! grep -qa -m1 "^$mark" "$target"; then
            echo "pulumi-resource-$name $version: the official plugin is in $home, kept" >&2
            return
        fi
        [[ $(<"$target") == "$text" ]] && return
    fi
    printf '%s\n' "$text" >"$staging/pulumi-resource-$name"
    chmod 0755 "$staging/pulumi-resource-$name"
    PULUMI_SKIP_UPDATE_CHECK=true pulumi plugin install resource "$name" "$version" \
        --file "$staging/pulumi-resource-$name" --reinstall >/dev/null
}

staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
place command
place kubernetes
