# Runs the vendor's diagnostics, which come on stdin, on a control plane; prints their report, and ends with their status.
# words: SECONDS ARGUMENT…
set -euo pipefail
umask 077

# Not in /run, where systems forbid to start programs.
folder=$(mktemp -d /var/lib/gpu-metal/diagnostics.XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >diagnostics
chmod 0700 diagnostics
status=0
HOME=$folder KUBECONFIG=/etc/kubernetes/admin.conf timeout "$1" ./diagnostics "${@:2}" >said 2>&1 </dev/null || status=$?
for report in ./*.txt; do
    if [[ -s $report ]]; then cat "$report"; fi
done
cat said
exit "$status"
