# bash and zsh complete the words of a command of Run:ai, as this release of it has them.
# rows: R8
# inputs: name
# uses: runai
#
# bash-completion and zsh look in these folders by themselves; in zsh, whoever calls compinit.

_shells=(bash zsh)

check() {
    local shell text
    for shell in "${_shells[@]}"; do
        text=$(_wanted "$shell")
        if ! same_file "$(_place "$shell")" <<<"$text"; then
            untrue "$(_place "$shell") is not what $(input name) completion $shell prints"
        fi
    done
}

apply() {
    local shell text
    for shell in "${_shells[@]}"; do
        text=$(_wanted "$shell")
        keep "$(_place "$shell")"
        write_file "$(_place "$shell")" 0644 <<<"$text"
    done
}

undo() {
    local shell
    for shell in "${_shells[@]}"; do restore "$(_place "$shell")"; done
}

_wanted() {
    local text status=0
    text=$(runai_try "/usr/local/bin/$(input name)" completion "$1" 2>/dev/null) || status=$?
    if ((status)) || [[ -z $text ]]; then
        untrue "$(input name) completion $1 ended with $status and printed ${#text} signs." \
            "Fix: see that this file is Run:ai's command line: $(input name) --help"
    fi
    printf '%s\n' "$text"
}

_place() {
    case $1 in
        bash) printf '/usr/local/share/bash-completion/completions/%s\n' "$(input name)" ;;
        zsh) printf '/usr/local/share/zsh/site-functions/_%s\n' "$(input name)" ;;
    esac
}
