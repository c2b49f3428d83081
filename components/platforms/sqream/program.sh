#!/bin/bash
# gpu-metal-sqream: starts, watches and stops SQream's services for systemd, by SQream's own console.
#   start NAME | watch NAME | stop NAME      what the units call; NAME is master, studio or worker-PORT
#   fault NAME                               status 1 and the reason if NAME does not run as /etc/gpu-metal-sqream/NAME wants
#   strays                                   SQream's containers here that no unit started
#   unlisted                                 services that SQream's own list (sqream master --list) lacks or shows elsewhere
#   query                                    status 0 if SQream answers a query of its first account; 3 if it refuses that
#   stop-all | start-all [NAME…]             services of this host, in their order; all of them if none is named
#   resume                                   start-all, for a host that was stopped for an upgrade that was given up
# A service is known by its port: the console chooses the names of containers.
set -euo pipefail
umask 022
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C

settings=/etc/gpu-metal-sqream
started=/run/gpu-metal-sqream
mkdir -p "$started"

# field FILE KEY
field() { sed -n "s/^$2=//p" "$1" 2>/dev/null | head -n 1; }

say() {
    printf '%s\n' "$1" >&2
    exit 1
}

user=$(field $settings/settings user)
state=$(field $settings/settings state)
home=$(getent passwd "$user" | cut -d: -f6) || true
installed() { cat "$state/installed"; }

# console COMMAND [LINE…]: one command of SQream's console, which needs a terminal, and the lines that the command reads.
# Its exit status means nothing.
console() {
    local folder
    folder=$home/$(installed)
    [[ -x $folder/sqream-console ]] || say "$folder/sqream-console is not there"
    printf '%s\n' "sqream $1" "${@:2}" exit |
        timeout -k 10 300 setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups env -i -C "$folder" HOME="$home" \
            USER="$user" LOGNAME="$user" PATH="$PATH" SHELL=/bin/bash TERM=dumb script -qec ./sqream-console /dev/null 8>&- |
        tr -d '\r' | sed 's/^sqream-console> *//' || true
}

# told TEXT: the line of the console's output that gives the reason of a failure
told() {
    grep -iE 'error|fail|denied|refused|cannot|not ' <<<"$1" | grep . | tail -n 1 ||
        grep -vE '^ *(exit|sqream .*)? *$' <<<"$1" | tail -n 1 || true
}

# containers: `ID NAME IMAGE` of SQream's running containers
containers() {
    docker ps --no-trunc --filter name=^sqream_ --format '{{.ID}} {{.Names}} {{.Image}}' | awk '$3 !~ /console/'
}

# at PORT: `ID NAME` of the container that publishes PORT
at() {
    docker ps --no-trunc --filter name=^sqream_ --filter "publish=$1" --format '{{.ID}} {{.Names}}' | head -n 1
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

port() { field "$settings/$1" port; }

# mine NAME: `ID CONTAINER` of the service NAME: the container that was started for it, on any port; else the one on its port
mine() {
    local id
    id=$(field "$started/$1" id)
    if [[ -n $id ]] && runs "$id"; then
        docker inspect -f '{{.Id}} {{.Name}}' "$id" | tr -d /
    else
        at "$(port "$1")"
    fi
}

runs() { [[ $(docker inspect -f '{{.State.Running}}' "$1" 2>/dev/null) == true ]]; }

# older TIME: true if a service that started at TIME lacks the latest change of the installation
older() { [[ -e $state/due ]] && (($(date -d "$1" +%s%N) < $(date -r "$state/due" +%s%N))); }

start() { # NAME
    local id name said gpu=''
    exec 8>"$started/lock"
    flock 8
    [[ ! -e $settings/hold ]] || say "$1 is stopped for the upgrade to $(field $settings/hold package)"
    rm -f "$started/$1.stopping"
    if (fault "$1") 2>/dev/null; then return; fi
    read -r id name <<<"$(mine "$1")"
    if [[ -n $id ]]; then end "$1" "$id" "$name"; fi
    said=$(ask "$1")
    tail -n 3 <<<"$said"
    read -r id name <<<"$(at "$(port "$1")")"
    if [[ -z $id ]]; then
        told "$said" >"$started/$1.said"
        say "$1 did not start"
    fi
    # Boot order is systemd's.
    docker update --restart=no "$id" >/dev/null
    await "$1" "$id" "$name"
    gpu=$(sed -n "s/.*$name on port $(port "$1"), allocated gpu: *\([0-9]*\).*/\1/p" <<<"$said" | tail -n 1)
    cp "$settings/$1" "$started/$1.service"
    printf 'id=%s\ngpu=%s\n' "$id" "$gpu" >"$started/$1"
    rm -f "$started/$1.said"
    gpu=$(fault "$1" 2>&1) || refuse "$1" "$id" "$name" "$gpu"
    [[ ! -e $state/due ]] || settle
}

# Clears the record of needed restarts once all services have restarted.
settle() {
    local time
    while read -r time; do ! older "$time" || return 0; done < \
        <(containers | cut -d ' ' -f 1 | xargs -r docker inspect -f '{{.State.StartedAt}}')
    rm -f "$state/due"
}

# ask NAME: has the console start it
ask() {
    local said
    said=$(console "$(field "$settings/$1" command)")
    # The editor that came before Studio
    if [[ $1 == studio && $said == *"invalid choice"* ]]; then said=$(console "editor --start -p $(port studio)"); fi
    printf '%s\n' "$said"
}

await() { # NAME ID CONTAINER
    local tries
    for ((tries = 0; tries < 240; tries++)); do
        if listens "$(port "$1")"; then return; fi
        if ! runs "$2"; then break; fi
        sleep 0.5
    done
    printf 'its container %s %s\n' "$3" "$(runs "$2" && echo "does not listen on $(port "$1")" || echo ended)" >"$started/$1.said"
    say "$1: $(<"$started/$1.said")"
}

# Ends a service that came up other than configured: it must not use another service's GPU.
refuse() { # NAME ID CONTAINER WHY
    rm -f "$started/$1"
    end "$1" "$2" "$3" >/dev/null
    printf 'it came up, but %s\n' "$4" >"$started/$1.said"
    say "$1 $4"
}

watch() { # NAME
    local id seen
    id=$(field "$started/$1" id)
    while true; do
        docker wait "$id" >/dev/null 2>&1 || true
        [[ ! -e $started/$1.stopping ]] || return 0
        # Docker itself may restart under running containers.
        seen=$(docker inspect -f '{{.State.Running}} {{.State.ExitCode}}' "$id" 2>&1) || true
        case $seen in
            true*) sleep 1 ;;
            false* | *[Nn]"o such"*) say "$1: its container ended (${seen#false })" ;;
            *) sleep 5 ;;
        esac
    done
}

stop() { # NAME
    local id name
    exec 8>"$started/lock"
    flock 8
    touch "$started/$1.stopping"
    read -r id name <<<"$(mine "$1")"
    if [[ -n $id ]]; then end "$1" "$id" "$name"; fi
    rm -f "$started/$1" "$started/$1.service"
}

# Ends a container with the console, else with Docker: the user or the package may be gone already.
end() { # NAME ID CONTAINER
    local command
    case $1 in
        master) command='master --stop --all' ;;
        worker-*) command="worker --stop $3" ;;
        *) if [[ $3 == *editor* ]]; then command='editor --stop'; else command='studio --stop'; fi ;;
    esac
    (console "$command") || true
    if runs "$2"; then docker stop -t 120 "$2" >/dev/null; fi
}

fault() { # NAME
    local id name image gpu version port since wanted
    [[ ! -e $settings/hold ]] || say "is stopped for the upgrade to $(field $settings/hold package)"
    read -r id name <<<"$(at "$(port "$1")")"
    [[ -n $id ]] || say "does not run"
    [[ $id == "$(field "$started/$1" id)" ]] || say "has its port taken by $name, which systemd did not start"
    cmp -s "$started/$1.service" "$settings/$1" || say "runs with older settings"
    read -r since image gpu < <(docker inspect -f "$shown" "$id" | paste -sd ' ')
    ! older "$since" || say "runs with older settings of the installation: $(paste -sd ';' "$state/due" | sed 's/;/; /g')"
    version=$(installed)
    version=${version#*-DB} version=${version%%-CO*}
    [[ $1 == studio || ":${image#*:}" =~ [^0-9.]"$version"([^0-9.]|$) ]] || say "runs $image, wants $version"
    # The GPU in the container's environment; if that has no number, the one that the console printed.
    gpu=$(grep -oE 'NVIDIA_VISIBLE_DEVICES=[0-9]+( |$)' <<<"$gpu" | tr -dc 0-9 | grep . || field "$started/$1" gpu)
    wanted=$(field "$settings/$1" gpu)
    [[ -z $wanted || $gpu == "$wanted" ]] || say "has GPU ${gpu:-none}, wants GPU $wanted"
    for port in $(port "$1") $(field "$settings/$1" also); do
        listens "$port" || say "does not listen on port $port"
    done
}

shown='{{.State.StartedAt}} {{.Config.Image}} {{range .Config.Env}}{{println .}}{{end}}'

strays() {
    local id name image
    while read -r id name image; do
        grep -qsx "id=$id" "$started"/* || printf '%s (%s)\n' "$name" "$image"
    done < <(containers)
}

unlisted() {
    local said name container line
    [[ -e $settings/master ]] || return 0
    said=$(console 'master --list')
    while read -r name; do
        read -r _ container <<<"$(mine "$name")"
        # The verb fault reports a service that does not run; SQream's list does not have Studio.
        [[ -n $container && $name != studio ]] || continue
        line=$(grep -wF -- "$container" <<<"$said" | head -n 1) || true
        if [[ -z $line ]]; then
            printf '%s (%s)\n' "$name" "$container"
        elif [[ $line =~ ports?:\ *([0-9,]+) && ,${BASH_REMATCH[1]}, != *",$(port "$name"),"* ]]; then
            printf '%s (listed on %s)\n' "$name" "${BASH_REMATCH[1]}"
        fi
    done < <(names)
}

# The guide's account and password are no secret.
query() {
    local said refused
    said=$(console "client --master -p $(port master) -u sqream -w sqream" 'select 1;' '\q' | sed -E 's/^([^ ]+=> *)+//')
    if grep -qE '^1 *$' <<<"$said"; then return; fi
    # After a refusal the console itself gets the query, and what it says of that comes last.
    refused=$(grep -iE 'login|password|authenti|credential' <<<"$said" |
        grep -iE 'error|fail|denied|refused|incorrect|invalid|wrong' | head -n 1) || true
    said=$(told "${refused:-$said}")
    printf '%s\n' "${said:-it prints nothing}"
    [[ -z $refused ]] || exit 3
    exit 1
}

# names: the names of this host's services in the site
names() { find $settings -maxdepth 1 \( -name master -o -name 'worker-*' -o -name studio \) -printf '%f\n' | sort; }

stop-all() {
    local id name units
    mapfile -t units < <(names | sed 's/.*/gpu-metal-sqream-&.service/')
    ((${#units[@]} == 0)) || systemctl stop "${units[@]}"
    # Those that somebody started by hand
    while read -r id name _; do
        case $name in
            *master*) end master "$id" "$name" ;;
            *worker*) end "worker-" "$id" "$name" ;;
            *) end studio "$id" "$name" ;;
        esac
    done < <(containers)
    [[ -z $(containers) ]] || say "still runs: $(containers | cut -d ' ' -f 2 | paste -sd ' ')"
}

# shellcheck disable=SC2120  # names come from the command line
start-all() {
    local names=("$@")
    (($#)) || mapfile -t names < <(names)
    ((${#names[@]})) || return 0
    names=("${names[@]/#/gpu-metal-sqream-}")
    # A requested start must not count towards the limit of systemd's own restarts.
    systemctl reset-failed "${names[@]}" 2>/dev/null || true
    systemctl start "${names[@]}"
}

resume() {
    [[ -e $settings/hold ]] || say "nothing is held here"
    [[ $(field $settings/hold metadata) != agreed ]] ||
        say "the metadata may be changed already for $(field $settings/hold package): an older version must not touch it"
    rm -f $settings/hold
    "$0" start-all
}

verb=${1-}
case $verb in
    start | watch | stop | fault) [[ $# -eq 2 && -e $settings/$2 ]] || [[ $verb == stop ]] || say "usage: gpu-metal-sqream $verb NAME" ;;
    strays | unlisted | query | stop-all | start-all | resume) ;;
    *) say "usage: gpu-metal-sqream start|watch|stop|fault NAME | strays | unlisted | query | stop-all | start-all | resume" ;;
esac
"$@"
