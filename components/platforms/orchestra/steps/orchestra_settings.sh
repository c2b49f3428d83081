# Orchestra's commands find its database, its cluster and their environment; only root and its user can read it.
# rows: T2
# inputs: path user host port database role variable tls
# bulk: run
# secrets: password kubeconfig
# uses: orchestra

check() {
    local file
    if [[ $(grep -v "^$(input variable)='postgresql:" "/etc/orchestra/orchestra.env" 2>/dev/null) != "$(_known)" ]]; then
        untrue "/etc/orchestra/orchestra.env is not what the site says of Orchestra's database"
    fi
    if ! bulk run | same_file "/etc/orchestra/run"; then untrue "/etc/orchestra/run is not what the site says of the commands"; fi
    for file in orchestra.env pgpass; do
        if [[ ! -s /etc/orchestra/$file ]]; then untrue "has no /etc/orchestra/$file"; fi
    done
    if [[ $(stat -c %a:%U "/etc/orchestra/pgpass") != "600:$(input user)" ]]; then
        untrue "/etc/orchestra/pgpass can be read by others than $(input user)"
    fi
    if [[ $(stat -c %a:%U:%G "/etc/orchestra/orchestra.env") != "640:root:$(_group)" ]]; then
        untrue "/etc/orchestra/orchestra.env can be read by others than root and $(input user)"
    fi
    if [[ $(input kubeconfig) == yes && $(stat -c %a:%U "/etc/orchestra/kubeconfig") != "600:$(input user)" ]]; then
        untrue "/etc/orchestra/kubeconfig is not there, or can be read by others than $(input user)"
    fi
}

apply() {
    local file
    restart_due orchestra-pilot
    for file in run orchestra.env pgpass kubeconfig; do keep "/etc/orchestra/$file"; done
    secret password | _pgpass | write_file "/etc/orchestra/pgpass" 0600 "$(input user):$(_group)"
    if [[ $(input kubeconfig) == yes ]]; then
        secret kubeconfig | write_file "/etc/orchestra/kubeconfig" 0600 "$(input user):$(_group)"
    else
        restore "/etc/orchestra/kubeconfig"
    fi
    {
        _known
        printf "%s='" "$(input variable)"
        secret password | _url
        printf "'\n"
    } | write_file "/etc/orchestra/orchestra.env" 0640 "root:$(_group)"
    bulk run | write_file "/etc/orchestra/run" 0755
}

undo() {
    local file
    for file in kubeconfig pgpass orchestra.env run; do restore "/etc/orchestra/$file"; done
    rm -f "$(restart_mark orchestra-pilot)"
}

_group() { id -gn "$(input user)"; }

# All of the environment that is no secret
_known() {
    printf '# gpu-metal\n'
    printf "%s='%s'\n" PGHOST "$(input host)" PGPORT "$(input port)" PGDATABASE "$(input database)" \
        PGUSER "$(input role)" PGPASSFILE "/etc/orchestra/pgpass" PGSSLMODE "$(input tls)"
    if [[ $(input kubeconfig) == yes ]]; then printf "KUBECONFIG='%s'\n" "/etc/orchestra/kubeconfig"; fi
}

_pgpass() {
    sed -E 's/[\\:]/\\&/g' | awk '{ print "*:*:*:*:" $0 }'
}

_url() {
    local place
    place=$(input host)
    if [[ $place == *:* ]]; then place="[$place]"; fi
    python3 -c 'import sys, urllib.parse
role, place, database, tls = sys.argv[1:]
password = urllib.parse.quote(sys.stdin.read().rstrip("\n"), safe="")
print(f"postgresql://{role}:{password}@{place}/{database}?sslmode={tls}", end="")' \
        "$(input role)" "$place:$(input port)" "$(input database)" "$(input tls)"
}
