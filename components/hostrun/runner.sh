#!/bin/bash
# gpu-metal: makes steps true on this host, remembers what it did, and can say later whether it still holds.
#   gpu-metal apply LAYER :: name@digest[#label] key=value … :: …     payload (bulk and secret inputs) on stdin
#   gpu-metal undo LAYER [RUN] | remove [RUN] | adopt [RUN]           `owner PROJECT STACK SITE STATE` on stdin
#   gpu-metal check [--json] [LAYER…] | try [--json] LAYER :: … | facts --json | put NAME
# Exit: 0 done or holds · 1 failed or does not hold · 2 wrong call · 3 remove: another's host, left alone · 75 another run holds the lock.
set -euo pipefail
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
    echo "✗ $(uname -n) [bash] has bash $BASH_VERSION, wants 4.4, as RHEL 8, Debian 9 and Ubuntu 18.04 have it. Fix: a newer system" >&2
    exit 1
fi
shopt -s inherit_errexit nullglob
umask 077
ulimit -c 0
# The connection may go; the run goes on. HUP is ignored by everything begun here; PIPE only by this shell (a trap, not
# an ignore, is not inherited: in steps `… | head` must work as usual).
trap '' HUP
trap : PIPE

code=${BASH_SOURCE[0]}
[[ ! -L $code ]] || code=$(readlink -f -- "$code")
[[ $code == /* ]] || code=$PWD/$code
code=${code%/*}
ssh_connection=${SSH_CONNECTION-}
sudo_user=${SUDO_USER-}
for name in $(compgen -e); do
    [[ $name == GPU_METAL_* ]] || unset "$name" 2>/dev/null || true
done
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root
export GPU_METAL_HOME=${GPU_METAL_HOME:-/var/lib/gpu-metal} GPU_METAL_RUN=${GPU_METAL_RUN:-/run/gpu-metal}
cd /

identity=
[[ ! -r $GPU_METAL_HOME/identity ]] || read -r identity <"$GPU_METAL_HOME/identity" || true
host=$identity
[[ -n $host ]] || host=$(uname -n)
check_timeout=${GPU_METAL_CHECK_TIMEOUT:-120}
lock_wait=${GPU_METAL_LOCK_WAIT:-300}

# A part that is lost or changed is said before any of them is run. A checkout has no sums.
if [[ -e $code/parts.sums ]] && ! damage=$(cd -- "$code" && sha256sum --check --quiet parts.sums 2>/dev/null); then
    echo "✗ $host [runner] gpu-metal itself is damaged there: $code/${damage%%: FAILED*} is lost or changed. Nothing was changed. Fix: sitectl drift --record, then pulumi up" >&2
    exit 1
fi
# shellcheck source=text.sh
. "$code/text.sh"
# shellcheck source=files.sh
. "$code/files.sh"
# shellcheck source=space.sh
. "$code/space.sh"
# shellcheck source=owner.sh
. "$code/owner.sh"
# shellcheck source=ledger.sh
. "$code/ledger.sh"
# shellcheck source=steps.sh
. "$code/steps.sh"
# shellcheck source=asking.sh
. "$code/asking.sh"
# shellcheck source=secrets.sh
. "$code/secrets.sh"
# shellcheck source=lock.sh
. "$code/lock.sh"
# shellcheck source=apply.sh
. "$code/apply.sh"
# shellcheck source=leaving.sh
. "$code/leaving.sh"
# shellcheck source=check.sh
. "$code/check.sh"
# shellcheck source=facts.sh
. "$code/facts.sh"

readonly key_pattern='^[A-Za-z0-9_][A-Za-z0-9_.*/:@-]*$'
owner= # of this run, as judge_owner wants it; empty when it does not say
declare -a step_ids=()
declare -A step_line=() # id → ref and words, as in the ledger

layer_name() {
    [[ $1 =~ $layer_pattern ]] || usage "'$1' is not a layer: one word of a-z, 0-9, '.' and '-'."
}

run_word() {
    [[ $1 =~ ^[0-9]{8}T[0-9]{6}Z$ ]] || usage "'$1' is not a run: the time of an interrupted one, such as 20261129T214000Z."
}

# read_steps :: ref key=value … :: …: into the two tables above
read_steps() {
    local word id=
    [[ ${1-::} == :: ]] || usage "after the layer comes '::', not '$1'."
    for word in "$@"; do
        if [[ $word == :: ]]; then
            id=
        elif [[ -z $id ]]; then
            [[ $word =~ $ref_pattern ]] || usage "'$word' is not a step: name@digest or name@digest#label."
            id_of "$word"
            id=$REPLY
            [[ -z ${step_line[$id]-} ]] || usage "step $id is there twice: give each a label."
            step_ids+=("$id")
            step_line[$id]=$word
        else
            [[ $word == *=* && ${word%%=*} =~ $key_pattern ]] || usage "step $id: '$word' is not key=value."
            escape "$word"
            step_line[$id]+=$'\t'in:$REPLY
        fi
    done
}

# read_owner: the first line of stdin, where it says who runs. A stack sends it at once.
read_owner() {
    local line='' status=0
    [[ ! -t 0 ]] || return 0
    IFS= read -r -t 30 line || status=$?
    ((status <= 128)) || fail owner "nothing came on stdin within 30 s. Nothing was changed. Fix: by hand, end the call with </dev/null."
    [[ $line != 'owner '* ]] || owner=${line#owner }
}

# read_payload: a line `owner PROJECT STACK SITE STATE`, then blocks `bulk STEP KEY N` or `secret STEP KEY N` with N lines
read_payload() {
    local text lines kind id key count rest at=0 value sum
    [[ ! -t 0 ]] || return 0
    _take_stdin
    if [[ -n $rest ]]; then
        text=$(_all_of_stdin && printf .)
        text=${text%.}
    fi
    [[ -n $text ]] || return 0
    mapfile -t lines < <(printf '%s' "$text")
    [[ $text == *$'\n' ]] || usage "the payload is cut short: its last line does not end."
    while ((at < ${#lines[@]})); do
        read -r kind id key count rest <<<"${lines[at]}"
        if [[ $kind == owner && $at -eq 0 ]]; then
            owner=${lines[at]#owner }
            at=1
            continue
        fi
        [[ $kind =~ ^(bulk|secret)$ && $key =~ $key_pattern && $count =~ ^[1-9][0-9]{0,6}$ && -z $rest ]] ||
            usage "line $((at + 1)) of the payload is not 'bulk|secret STEP KEY N'."
        [[ -n ${step_line[$id]-} ]] || usage "the payload is for step $id, which is not in this call."
        ((at + count < ${#lines[@]})) || usage "the payload is cut short: $kind $id $key has not all its $count lines."
        printf -v value '%s\n' "${lines[@]:at+1:count}"
        value=${value%$'\n'}
        if [[ $kind == secret ]]; then
            secret_text["$id $key"]=$value
        else
            sum=$(printf '%s\n' "$value" | sha256sum)
            sum=${sum%% *}
            bulk_text[$sum]=$value
            step_line[$id]+=$'\t'bulk:$key=$sum
        fi
        at=$((at + count + 1))
    done
}

put() {
    [[ $# -eq 1 && $1 =~ ^[a-z0-9][a-z0-9.-]*$ && $1 != lock ]] || usage "put NAME: one word of a-z, 0-9, '.' and '-'."
    local error
    error=$({ mkdir -p -- "$GPU_METAL_RUN" && write_file "$GPU_METAL_RUN/$1" 0600; } 2>&1) ||
        fail put "$GPU_METAL_RUN/$1 cannot be written: ${error##*: }. $(cause "$error")"
}

verb=${1-}
json=
[[ $# -eq 0 ]] || shift
if [[ ${1-} == --json ]]; then
    json=yes
    shift
fi
case $verb in
    apply)
        [[ $# -gt 0 && -z $json ]] || usage "apply LAYER :: name@digest key=value … :: …"
        layer_name "$1"
        read_steps "${@:2}"
        read_payload
        apply_layer "$1"
        ;;
    try)
        [[ $# -gt 0 ]] || usage "try [--json] LAYER :: name@digest key=value … :: …"
        layer_name "$1"
        read_steps "${@:2}"
        read_payload
        try_layer "$1"
        ;;
    undo)
        [[ $# -ge 1 && $# -le 2 && -z $json ]] || usage "undo LAYER [RUN]"
        layer_name "$1"
        [[ $# -eq 1 ]] || run_word "$2"
        read_owner
        undo_layer "$@"
        ;;
    remove)
        [[ $# -le 1 && -z $json ]] || usage "remove [RUN]"
        [[ $# -eq 0 ]] || run_word "$1"
        read_owner
        remove_all "$@"
        ;;
    adopt)
        [[ $# -le 1 && -z $json ]] || usage "adopt [RUN]"
        [[ $# -eq 0 ]] || run_word "$1"
        read_owner
        adopt "$@"
        ;;
    check)
        for word in "$@"; do layer_name "$word"; done
        check_layers "$@"
        ;;
    facts) facts ;;
    put) put "$@" ;;
    *) usage "'$verb' is not a verb: apply, undo, remove, adopt, check, try, facts or put." ;;
esac
