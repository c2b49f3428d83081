#!/bin/sh
# The lab's stand-in of the Run:ai command line, version 2: configuration, login by name and password, completion.
set -eu
folder=${RUNAI_CLI_CONFIG_PATH:-"$HOME/.runai"}
file=$folder/${RUNAI_CLI_CONFIG_FILE:-config.json}

fail() {
    echo "runai: $1" >&2
    exit 1
}

value() {
    sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$file" 2>/dev/null | head -n 1
}

keep() {
    mkdir -p "$folder"
    url=$(value cpUrl) auth=$(value authUrl) cluster=$(value cluster) project=$(value project)
    eval "$1=\$2"
    umask 077
    printf '{"cpUrl": "%s",\n"authUrl": "%s",\n"cluster": "%s",\n"project": "%s"}\n' \
        "${url:-@URL@}" "${auth:-@URL@}" "$cluster" "$project" >"$file"
}

verb="${1:-} ${2:-}"
case $verb in
    "version "*) echo "runai @VERSION@ (the lab's stand-in)" ;;
    "config set")
        shift 2
        while [ $# -gt 0 ]; do
            case $1 in
                --cp-url) keep url "$2" ;;
                --auth-url) keep auth "$2" ;;
                *) fail "unknown flag: $1" ;;
            esac
            shift 2
        done
        ;;
    "cluster set") keep cluster "${3:?a cluster}" ;;
    "project set") keep project "${3:?a project}" ;;
    "completion bash") echo 'complete -W "version config cluster project login completion" runai' ;;
    "completion zsh") printf '#compdef runai\n_arguments "1: :(version config cluster project login completion)"\n' ;;
    *) fail "the stand-in has no '$verb'" ;;
esac
