# The gateway's virtual environment has its requirements.
# rows: F5
# inputs: path python index own
# bulk: requirements
# uses: shifter
#
# Each set of requirements has an environment of its own, which comes into use when it is whole: one that cannot be
# installed leaves the old one in use. What is written without a version is taken as it is the first time, and stays.

check() {
    local place
    place=$(_place) || untrue "has no $(input python), which gateway.python names. Fix: $(_bring_python)"
    if [[ ! -e $place/.gpu-metal ]]; then
        untrue "$(input path)/python-virtualenv has not the gateway's requirements for $(_version)"
    fi
    if [[ $(readlink "$(_link)") != "environments/${place##*/}" ]]; then untrue "$(_link) is not in use"; fi
    if ! "$(_link)/bin/python" -c "import $(_imports)" 2>/dev/null; then
        untrue "$(_link) is broken: import $(_imports) fails in it"
    fi
}

apply() {
    local place
    place=$(_place) || untrue "has no $(input python), which gateway.python names. Fix: $(_bring_python)"
    _imports >/dev/null
    umask 022
    if [[ ! -e $place/.gpu-metal ]] || ! "$place/bin/python" -c "import $(_imports)" 2>/dev/null; then
        rm -rf -- "$place"
        mkdir -p -- "$place"
        _make "$place"
        _install "$place"
        _fit "$place"
        _version | write_file "$place/.gpu-metal" 0644
    fi
    imagegw_due
    # The service step takes away what is no longer in use.
    ln -sfn "environments/${place##*/}" "$(_link).fresh"
    mv -T -- "$(_link).fresh" "$(_link)"
}

undo() {
    rm -rf -- "$(input path)/environments" "$(_link)" "$(_link).fresh" "$GPU_METAL_HOME/imagegw-pip.log"
}

_link() {
    printf '%s/python-virtualenv' "$(input path)"
}

# Where the environment of these requirements and this interpreter is, or will be; status 1 without the interpreter
_place() {
    local version key
    version=$(_version) || return
    key=$({
        printf '%s\n' "$version"
        _requirements
    } | sha256sum)
    printf '%s/environments/%s\n' "$(input path)" "${key:0:12}"
}

_version() {
    "$(command -v "$(input python)")" -c 'import sys; print("Python %d.%d" % sys.version_info[:2])' 2>/dev/null
}

_bring_python() {
    printf 'its package under packages of this host; or another interpreter that the version of Shifter runs with'
}

# The site's, or the source's, with the server that upstream recommends for Flask and does not name there.
_requirements() {
    if [[ $(input own) == yes ]]; then
        bulk requirements
    else
        cat "$(input path)/requirements.txt"
        if grep -qi '^flask' "$(input path)/requirements.txt"; then printf 'gunicorn\n'; fi
    fi
}

# What the gateway cannot do without
_imports() {
    local text
    text=$(_requirements)
    if grep -qi '^sanic' <<<"$text"; then
        printf 'pymongo, sanic'
    elif grep -qi '^flask' <<<"$text"; then
        printf 'pymongo, flask, gunicorn'
    else
        untrue "the gateway's requirements name neither sanic nor flask." \
            "Fix: gateway.requirements has all of the source's imagegw/requirements.txt"
    fi
}

_make() {
    local said
    if [[ $(_version) == 'Python 2.'* ]]; then
        said=$(virtualenv --quiet --no-download --python "$(input python)" "$1" 2>&1) || _not_made "$said"
    else
        said=$("$(input python)" -m venv "$1" 2>&1) || _not_made "$said"
    fi
}

_not_made() {
    untrue "$(input python) makes no virtual environment: $(grep . <<<"$1" | tail -n 1 | cut -c -300)." \
        "Fix: the package of its venv (on Debian python3.X-venv) under packages of this host"
}

_install() {
    local options=() log=$GPU_METAL_HOME/imagegw-pip.log wanted=$GPU_METAL_RUN/requirements.txt said
    if [[ -n $(input index) ]]; then options=(--index-url "$(input index)"); fi
    if [[ $(input index) == http://* ]]; then
        options+=(--trusted-host "$(input index | sed -E 's|^http://([^/]*@)?([^/]*).*|\2|')")
    fi
    _requirements >"$wanted"
    if (
        proxy_variables
        exec "$1/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --no-cache-dir \
            --retries 2 --timeout 20 "${options[@]}" --requirement "$wanted"
    ) >"$log" 2>&1; then
        rm -f "$log" "$wanted"
        return
    fi
    said=$(_fault <"$log")
    rm -rf -- "$1"
    untrue "the gateway's requirements cannot be installed for $(_version): $said. All of it: $log. $(_old)"
}

# Sanic 20 hands asyncio what Python 3.10 no longer takes: every connection ends without an answer.
_fit() {
    local seen
    seen=$("$1/bin/python" -c 'import sys, sanic
if sanic.__version__ < "21" and sys.version_info >= (3, 10): print("Sanic", sanic.__version__)' 2>/dev/null || true)
    if [[ -n $seen ]]; then
        rm -rf -- "$1"
        untrue "$seen of the gateway's requirements does not run with $(_version). $(_old) Fix: gateway.python: python3.9" \
            "or older, with its package; or gateway.requirements with a newer sanic"
    fi
}

# The first thing that pip could not do, and what helps.
_fault() {
    local log said fix
    log=$(cat)
    said=$(grep -m 1 -E '^ *(ERROR|error): ' <<<"$log" | sed -E 's/^ *(ERROR|error): //; s/\.$//' | cut -c -300)
    case $log in
        *'DO NOT MATCH THE HASHES'*)
            said="$(grep -m 1 -oE '^ +[^ ]+ from ' <<<"$log" | cut -d' ' -f5) has another hash than gateway.requirements says"
            fix="correct the hash, or the index"
            ;;
        *NewConnectionError* | *ConnectTimeout* | *ReadTimeout* | *NameResolutionError* | *ProxyError* | *SSLError*)
            said="the index is not reached: $(grep -m 1 -oE '\[Errno [^]]*\] [^'"'"')]*|timed out|ProxyError|SSLError' <<<"$log")"
            fix="its name, port and certificate, or this host's proxy; gateway.index names another index"
            ;;
        *'No matching distribution'* | *'Could not find a version'*)
            fix="an index that has it for this Python (gateway.index), another gateway.python, or gateway.requirements"
            ;;
        *'metadata-generation-failed'* | *'Failed building wheel'* | *'Failed to build'*)
            fix="a wheel of it in the index; or @build-tools and Python's headers under packages; or another gateway.python"
            ;;
    esac
    printf '%s. Fix: %s' "${said:-$(grep . <<<"$log" | tail -n 1 | cut -c -300)}" "${fix:-correct gateway.requirements}"
}

_old() {
    if [[ -x $(_link)/bin/python ]]; then printf 'The environment of before stays in use.'; else printf 'Nothing was changed.'; fi
}
