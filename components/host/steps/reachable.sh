# Each address answers as a package source or a registry does, through the proxy that the host will use, or directly.
# rows: H16
# inputs: urls accept proxy
#
# A word of urls may be A|B: one of them must answer.

check() {
    local word url said wrong=()
    for word in $(input urls); do
        for url in ${word//|/ }; do
            url=$(os_text "$url")
            said=$(_asked "$url")
            if [[ " $(input accept) " == *" $said "* ]]; then continue 2; fi
        done
        wrong+=("$said from $url")
    done
    if ((${#wrong[@]})); then
        untrue "has $(printf '%s\n' "${wrong[@]}" | paste -sd ';' | sed 's/;/; /g'), wants $(input accept | sed 's/ / or /g')" \
            "($(_way)). Fix: correct the address in the site, or let the host through to it"
    fi
}

_way() {
    local proxy
    proxy=$(input proxy '')
    if [[ -n $proxy ]]; then printf 'through %s' "$proxy"; else printf 'without a proxy'; fi
}

# The answer's HTTP status, or what went wrong. curl is on every RHEL, apt's own helper on every Debian.
_asked() {
    if [[ -n $(command -v curl) ]]; then _by_curl "$1"; else _by_apt "$1"; fi
}

_by_curl() {
    local said proxy
    proxy=$(input proxy '')
    if said=$(curl -sS -L -o /dev/null --max-time 15 --noproxy "${proxy:+,}${proxy:-*}" ${proxy:+--proxy "$proxy"} \
        -w '%{http_code}' -- "$1" 2>&1); then
        # What came without HTTP, from a file, has no status.
        printf '%s' "${said/#000/200}"
    else
        printf '%s' "${said%%$'\n'*}" | sed 's/^curl: ([0-9]*) //; s/000$//'
    fi
}

_by_apt() {
    local said folder proxy options=()
    proxy=$(input proxy '')
    for said in http https; do
        options+=(-o "Acquire::$said::Proxy=${proxy:-DIRECT}" -o "Acquire::$said::Timeout=10")
    done
    mkdir -p "$GPU_METAL_RUN"
    folder=$(mktemp -d "$GPU_METAL_RUN/reachable.XXXXXX")
    if said=$(env -u http_proxy -u https_proxy -u no_proxy /usr/lib/apt/apt-helper -o APT::Sandbox::User=root \
        -o Acquire::Retries=0 "${options[@]}" download-file "$1" "$folder/answer" 2>&1); then
        said=200
    else
        said=$(sed -nE "s|^E: Failed to fetch \S+ +(.*)|\1|p" <<<"$said" | head -n 1)
        if [[ $said =~ ^([1-5][0-9]{2})\  ]]; then said=${BASH_REMATCH[1]}; fi
    fi
    rm -rf "$folder"
    printf '%s' "${said:-no answer}"
}
