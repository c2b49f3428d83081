# The host is not another site's: no stack has it, or this one.
# rows: H18
# inputs: name project stack site
#
# Another state of the same stack passes: the first one may be lost. Which of two is the later one, the host knows, and
# refuses the other at its first change.

check() {
    local words
    words="$(input project) $(input stack) $(input site) -"
    judge_owner /var/lib/gpu-metal "$words"
    [[ $REPLY == other || $REPLY == damaged ]] || return 0
    refusal "$(input name)" "$words"
    untrue "$REPLY"
}
