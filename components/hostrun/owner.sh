# shellcheck shell=bash
# Whose host this is. Sourced by the runner and by steps, and put in front of install.sh.
#   HOME/owner: PROJECT STACK SITE STATE SINCE RUN     who has it; `-` for a word that is not known
#               was STATE UNTIL                        an earlier state of the same stack, one a line
# A run says who it is in the first four words. STATE tells two states of one stack apart. RUN changes when a run was
# interrupted, so that what it left on its way here is known as old (sitectl recover). A run that does not say who it is,
# root's own at the console or one of an earlier release, is not judged.

# judge_owner HOME WORDS → REPLY: `ours`; `nobody` (no owner yet); `state` (another state of the same stack, for the first
# time here); `earlier` (a state that has lost the host to another one); `other`; `damaged` (the file does not say who).
# Sets owner_text, who has it and since when.
judge_owner() {
    local project='' stack='' site='' state='' since='' run
    local -a own
    read -ra own <<<"$2"
    owner_text=
    REPLY=ours
    [[ ${#own[@]} -ge 4 ]] || return 0
    REPLY=nobody
    [[ -s $1/owner ]] || return 0
    read -r project stack site state since run <"$1/owner" || true
    owner_text="somebody whose name cannot be read ($1/owner is cut)"
    REPLY=damaged
    [[ -n $since ]] || return 0
    owner_text="stack $project/$stack"
    [[ $site == - ]] || owner_text+=" (site $site)"
    owner_text+=" since $since"
    REPLY=other
    [[ $project == "${own[0]}" && $stack == "${own[1]}" ]] || return 0
    [[ $site == - || $site == "${own[2]}" ]] || return 0
    REPLY=ours
    [[ $state != - && ${own[3]} != - && $state != "${own[3]}" ]] || return 0
    owner_text="another state of $owner_text"
    REPLY=state
    ! grep -q "^was ${own[3]} " -- "$1/owner" || REPLY=earlier
}

# claim_owner HOME WORDS RUN: writes the owner. An earlier state of the same stack is remembered, so that it is known when
# it comes again. Writes nothing when nothing has changed.
claim_owner() {
    local project='' stack='' site='' state='' since='' run='' now text word former until
    local -a own
    read -ra own <<<"$2"
    [[ ${#own[@]} -ge 4 ]] || return 0
    [[ ! -s $1/owner ]] || read -r project stack site state since run <"$1/owner" || true
    [[ "$project $stack $site $state $run" != "${own[*]:0:4} ${3:--}" ]] || return 0
    TZ=UTC printf -v now '%(%FT%TZ)T' -1
    [[ "$project $stack" == "${own[*]:0:2}" ]] || since=
    text="${own[*]:0:4} ${since:-$now} ${3:--}"
    if [[ -n $since ]]; then
        while read -r word former until; do
            [[ $word != was || $former == "${own[3]}" ]] || text+=$'\n'"was $former $until"
        done < <(tail -n +2 -- "$1/owner")
        [[ $state == - || $state == "${own[3]}" ]] || text+=$'\n'"was $state $now"
    fi
    printf '%s\n' "$text" >"$1/owner.new" && sync "$1/owner.new" && mv -fT -- "$1/owner.new" "$1/owner"
}

# newer_run HOME RUN: has a run that is newer than RUN been here? A delete is newer than all that the host was told when its
# state was recovered since: of a host that has left the site, nothing else tells it.
newer_run() {
    local run=
    [[ ! -s $1/owner ]] || read -r _ _ _ _ _ run <"$1/owner" || true
    [[ ${run:--} != - && $run > "${2:--}" ]]
}

# refusal HOST WORDS → REPLY: why a run is refused that judge_owner has called other, earlier or state
refusal() {
    local site=''
    local -a own
    read -ra own <<<"$2"
    if [[ $REPLY == other ]]; then
        [[ ${own[2]} == - ]] || site=" (site ${own[2]})"
        REPLY="belongs to $owner_text; this run is of stack ${own[0]}/${own[1]}$site. Nothing was changed. Fix: take it out of one \
of the two sites; if it is to change hands, sitectl adopt $1 shows what that would change."
    elif [[ $REPLY == damaged ]]; then
        REPLY="belongs to $owner_text. Nothing was changed. Fix: if this stack has it, sitectl adopt $1."
    else
        REPLY="belongs to $owner_text: this stack has two states, and the other one came here later. Nothing \
was changed. Fix: use the state that has it (pulumi login); if this one is right, sitectl adopt $1."
    fi
}
