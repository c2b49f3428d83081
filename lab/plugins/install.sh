#!/usr/bin/env bash
# Puts the stand-in of the command plugin into $PULUMI_HOME (default ~/.pulumi) with the `pulumi` on PATH, in the version
# that pyproject.toml pins for the SDK; nothing to do = no time. An official plugin that is already there stays.
# What is installed is a launcher with this checkout's absolute paths: after moving the checkout, run this again.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)
home=${PULUMI_HOME:-$HOME/.pulumi}
mark='# Stand-in plugin of the gpu-metal lab'

# PYTHONDONTWRITEBYTECODE would make every start four times slower; -P keeps the caller's folder off the module path, so
# another checkout's `lab` cannot be taken for this one's.
launcher() {
    printf '#!/usr/bin/env bash\n%s: written by %q\n' "$mark" "$here/install.sh"
    printf 'unset PYTHONDONTWRITEBYTECODE\n'
    printf 'PYTHONPATH=%q exec %q -P -m lab.plugins.command_provider "$@"\n' "$checkout" "$checkout/.venv/bin/python"
}

version=$(sed -n 's/.*"pulumi-command==\([0-9.]*\)".*/\1/p' "$checkout/pyproject.toml")
target=$home/plugins/resource-command-v$version/pulumi-resource-command
text=$(launcher)
if [[ -e $target ]]; then
    if ! grep -qa -m1 "^$mark" "$target"; then
        echo "pulumi-resource-command $version: the official plugin is in $home, kept" >&2
        exit
    fi
    [[ $(<"$target") != "$text" ]] || exit 0
fi
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
printf '%s\n' "$text" >"$staging/pulumi-resource-command"
chmod 0755 "$staging/pulumi-resource-command"
PULUMI_SKIP_UPDATE_CHECK=true pulumi plugin install resource command "$version" \
    --file "$staging/pulumi-resource-command" --reinstall >/dev/null
