# How much of an archive is on this host: `all` if it is here or unpacked already, else the bytes of what came so far.
# words: ARCHIVE PLACE RECORD SHA256
set -euo pipefail

if [[ -e $1 ]]; then
    printf 'all\n'
elif [[ $(head -n 1 "$3" 2>/dev/null) == "$4" && -d $2 ]] &&
    [[ -z $(LC_ALL=C comm -23 <(tail -n +2 "$3") <(cd "$2" && find . -type f -printf '%s %p\n' | LC_ALL=C sort)) ]]; then
    printf 'all\n'
else
    if [[ ! -d ${1%/*} ]]; then install -d -m 0700 -- "${1%/*}"; fi
    stat -c %s -- "$1.part" 2>/dev/null || printf '0\n'
fi
