# The image gateways answer this host, know the site's system, and accept this host's munge.
# rows: F2 F4 F5
# inputs: urls system host
# uses: shifter

check() {
    local url
    if ! munge -n >/dev/null 2>&1; then
        untrue "munge makes no credential: $(munge -n 2>&1 >/dev/null | tail -n 1). Fix: systemctl status munge"
    fi
    for url in $(input urls); do
        _answers "$url" "$(_where "$url")"
        _accepts_munge "$url" "$(_where "$url")"
    done
}

_answers() { # URL WHERE
    local seen
    seen=$(imagegw_list "$1" "$(input system)")
    case $seen in
        404*)
            untrue "system $(input system) differs: the image gateway at $1 has no list of it. Fix: is that $2's, with" \
                "this name under Platforms in its imagemanager.json, and does its database run?"
            ;;
        000*)
            untrue "has no answer from the image gateway at $1: ${seen#000 }. Fix: on $2 systemctl status" \
                "shifter_imagegw; then whether its port is open for this host"
            ;;
    esac
}

_accepts_munge() { # URL WHERE
    local seen
    seen=$(imagegw_list "$1" "$(input system)" munge)
    case $seen in
        200*) ;;
        4*)
            untrue "the image gateway at $1 refuses this host's munge (HTTP $seen). Fix: on $2 and here, the same key" \
                "(mungeSecret) and the same time; journalctl -u shifter_imagegw there says which"
            ;;
        *)
            untrue "the image gateway at $1 gives no list: HTTP $seen. Fix: does it reach its database?" \
                "journalctl -u shifter_imagegw on $2 says more"
            ;;
    esac
}

# The site's own gateway is the first; of the others, only the URL is known.
_where() { # URL
    if [[ $1 == "$(input urls | cut -d ' ' -f 1)" ]]; then input host; else printf "that gateway's host"; fi
}
