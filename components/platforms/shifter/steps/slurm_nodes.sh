# Slurm has exactly the site's nodes, and accepts jobs on each, except on those that people have drained.
# rows: F6
# inputs: nodes
#
# Not undone: nothing is written.

check() {
    local says
    says=$(_fault)
    if [[ -n $says ]]; then untrue "$says"; fi
}

# Waits until the nodes have registered themselves.
apply() {
    local tries
    for ((tries = 0; tries < 30; tries++)); do
        if [[ -z $(_fault) ]]; then return; fi
        sleep 2
    done
}

_fault() {
    local seen known wanted name state reason by
    if ! seen=$(timeout 20 sinfo -h -N -o '%N|%T|%u|%E' 2>&1); then
        printf 'slurmctld does not answer: %s. Fix: journalctl -u slurmctld -n 20 says why' "$(tail -n 1 <<<"$seen")"
        return
    fi
    wanted=$(input nodes | tr ' ' '\n' | sort)
    known=$(cut -d'|' -f1 <<<"$seen" | sed '/^$/d' | sort -u)
    if [[ $known != "$wanted" ]]; then
        printf 'Slurm has %s nodes, the site %s: %s differ. Fix: pulumi up writes slurm.conf again' \
            "$(wc -w <<<"$known")" "$(wc -w <<<"$wanted")" \
            "$(comm -3 <(printf '%s\n' "$known") <(printf '%s\n' "$wanted") | tr -d '\t' | paste -sd ' ')"
        return
    fi
    while IFS='|' read -r name state by reason; do
        if _is_out "$state" "$by" "$reason"; then
            printf 'Slurm takes no jobs on %s of %s nodes: %s ' "$(_out <<<"$seen")" "$(wc -w <<<"$known")" "$name"
            if [[ $state == *[*] && ($reason == none || -z $reason) ]]; then
                printf 'does not answer slurmctld (%s). ' "$state"
                printf 'Fix: there, systemctl status slurmd; and slurmctld and slurmd must reach each other (SlurmctldPort, SlurmdPort)'
            else
                printf 'is %s (%s). Fix: there, journalctl -u slurmd -n 20 says why; then ' "${state%[*]}" "$reason"
                printf 'scontrol update nodename=%s state=resume' "$name"
            fi
            return
        fi
    done <<<"$seen"
}

# `*` marks a node that does not answer. Slurm itself drains a node that is smaller than its settings; a node that slurmd
# drains is drained by root, as by people, so its reason decides.
_is_out() { # STATE BY REASON
    [[ $1 == *[*] || $1 =~ ^(down|fail|unknown|inval) ]] || [[ $1 == drain* && ($2 == slurm || $2 == Unknown ||
        $3 =~ ^(Kill task failed|Prolog error|Epilog error|batch job complete failure)) ]]
}

_out() {
    local name state by reason
    while IFS='|' read -r name state by reason; do
        if _is_out "$state" "$by" "$reason"; then printf '%s\n' "$name"; fi
    done | sort -u | wc -l
}
