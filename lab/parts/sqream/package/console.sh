# The commands of the console. Stand-in of the gpu-metal lab, not SQream's own.

usage() {
    cat <<END
   usage: sqream [-h] [--settings] {master,worker,client,$WEB} ...

   subcommands:
     master   --start [-p PICKER] [-m METADATA] | --stop [--all] | --list
     worker   --start [N] [-g GPU ...] [-p PORT ...] [-m GB] [-j FILE ...] [--master-host HOST] [--master-port PORT]
              --stop NAME | --stop --all
     client   --master | --worker [-p PORT] [-d DATABASE] -u USER -w PASSWORD
     $WEB   --start | --stop

END
}

error() { echo "error: $*" && exit 1; }

sqream() {
    # shellcheck disable=SC2154  # env: of sqream-console
    mode=$(setting "$env" SQREAM_MODE)
    config=$(setting "$env" SQREAM_CONFIG_DIR)
    log=$(setting "$env" SQREAM_LOG_DIR)
    volume=$(setting "$env" SQREAM_VOLUME)
    case ${1-} in
        -h | --help | '') usage ;;
        --settings) settings "$env" ;;
        master | client)
            [[ $mode == single_host ]] || error "sqream $1 is only available on the master node"
            "$@"
            ;;
        worker | "$WEB") "$@" ;;
        *) error "argument subcommand: invalid choice: '$1' (choose from 'master', 'worker', 'client', '$WEB')" ;;
    esac
}

# Sorts the words of a command into `--start`, … and the values of -x: options[x]; first names what the command knows.
declare -A options
parse() {
    local known=" $1 " word key=''
    shift
    options=()
    for word; do
        if [[ $word == -* && ! $word =~ ^-[0-9] ]]; then
            key=$word
            [[ $known == *" $key "* ]] || error "unrecognized arguments: $word"
            options[$key]=''
        else
            [[ $key ]] || error "unrecognized arguments: $word"
            options[$key]+="${options[$key]:+ }$word"
        fi
    done
}

number() { [[ $1 =~ ^[0-9]+$ ]] || error "invalid int value: '$1'"; }

# Keeps $1=$2 in the environment file
remember() {
    sed "s|^$1=.*|$1=$2|" "$env" >"$env.new"
    mv "$env.new" "$env"
}

# Runs the service $1 with the words that docker run gets, and waits until it listens; what does not is taken away.
serve() {
    local name=$1 said tries
    shift
    docker rm "$name" >/dev/null 2>&1 || true
    said=$(docker run -d --name "$name" -e "NAME=$name" -e "VERSION=$DB" \
        -e "FAULT=$(cat /run/lab-sqream 2>/dev/null || true)" \
        -v "$volume:$volume" -v "$config:$config:ro" -v "$log:$log" -e "LOG_FILE=$log$name.log" "$@" 2>&1) || {
        docker rm -f "$name" >/dev/null 2>&1 || true
        error "${said##*docker: }"
    }
    for ((tries = 0; tries < 300; tries++)); do
        said=$(docker logs "$name" 2>&1)
        if [[ $said == *'listening on port'* ]]; then return; fi
        [[ $(docker inspect -f '{{.State.Running}}' "$name") == true ]] || break
        sleep 0.1
    done
    said=$(docker logs "$name" 2>&1)
    docker rm -f "$name" >/dev/null
    error "$name did not start: ${said##*$'\n'}"
}

# Value of $2 in the environment of the container $1
of() { docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' "$1" | sed -n "s/^$2=//p"; }

workers() { services | grep -E '^sqream_[a-z_]+_worker_[0-9]+$' || true; }

halt() {
    local name id
    for name; do
        id=$(docker inspect -f '{{.Id}}' "$name")
        docker stop "$name" >/dev/null
        docker rm "$name" >/dev/null
        if [[ $name == *_worker_* || $name == *_master ]]; then
            echo "stopped container $name, id: ${id:0:12}"
        else
            echo "${name%_"$ED"}    stopped"
        fi
    done
}

master() {
    local metadata picker name=sqream_single_host_master
    parse '--start --stop --list --all --single-host -p -m' "$@"
    if [[ ${options[--list]+x} ]]; then
        list
    elif [[ ${options[--stop]+x} ]]; then
        [[ $(services) ]] || echo 'no sqream services are running'
        # shellcheck disable=SC2046  # one word a service
        halt $(workers) $(services | grep -x "$name" || true) \
            $([[ -z ${options[--all]+x} ]] || services | grep -vE '_worker_[0-9]+$|_master$' || true)
    elif [[ ${options[--start]+x} ]]; then
        if runs "$name"; then error "$name is already running"; fi
        picker=${options[-p]:-3108} metadata=${options[-m]:-3105}
        number "$picker" && number "$metadata"
        echo 'starting master server in single_host mode ...'
        serve "$name" -p "$metadata:$metadata" -p "$picker:$picker" -e "METADATA_PORT=$metadata" -e "PICKER_PORT=$picker" \
            -e "ADDRESS_FILE=$volume/leveldb/master" "sqream:$DB" master
        remember METADATA_PORT "$metadata"
        remember PICKER_PORT "$picker"
        echo "$name is up and listening on ports: $(master_ports "$name")"
    else
        error 'one of the arguments --start --stop --list is required'
    fi
}

master_ports() { { of "$1" METADATA_PORT && of "$1" PICKER_PORT; } | sort -n | paste -sd,; }

list() {
    local name all
    all=$(services | grep -E '_worker_[0-9]+$|_master$' || true)
    if [[ -z $all ]]; then echo 'no sqream services are running' && return; fi
    [[ $WEB == editor ]] || echo "checking $(wc -l <<<"$all") sqream services:"
    for name in $all; do
        if [[ $WEB == editor ]]; then
            echo "container name: $name, container id: $(docker inspect -f '{{.Id}}' "$name" | cut -c1-12)"
        elif [[ $name == *_master ]]; then
            echo "$name up listens on ports: $(master_ports "$name")"
        else
            echo "$name up, listens on port: $(of "$name" PORT) allocated gpu: $(of "$name" GPU)"
        fi
    done
}

worker() {
    parse '--start --stop --all -g -p -m -j --master-host --master-port --stand-alone' "$@"
    if [[ ${options[--stop]+x} ]]; then
        if [[ ${options[--all]+x} ]]; then
            # shellcheck disable=SC2046  # one word a worker
            halt $(workers)
        elif [[ ${options[--stop]} == *_worker_* ]] && runs "${options[--stop]}"; then
            halt "${options[--stop]}"
        else
            error "no such worker: ${options[--stop]}"
        fi
    elif [[ ${options[--start]+x} ]]; then
        start_workers
    else
        error 'one of the arguments --start --stop is required'
    fi
}

# Where the workers find the master
master_of() {
    local host=${options["--master-host"]-} address
    if [[ ${options["--stand-alone"]+x} ]]; then
        echo none
    elif [[ -z $host || $host == localhost ]]; then
        echo local
    else
        address=$(getent ahostsv4 "$host" | awk 'NR == 1 { print $1 }' || true)
        [[ -n $address ]] || error "unknown host: $host"
        echo "$address:${options["--master-port"]:-3105}"
    fi
}

start_workers() {
    local count=${options[--start]:-$(gpus)} i problem master
    local -a on ports files
    number "$count"
    read -ra on <<<"${options[-g]-}"
    read -ra ports <<<"${options[-p]-}"
    read -ra files <<<"${options[-j]-}"
    [[ -z ${ports[*]-} || ${#ports[@]} == "$count" ]] || error '-p wants one port for each worker'
    [[ -z ${files[*]-} || ${#files[@]} == "$count" ]] || error '-j wants one file for each worker'
    ((${#on[@]} < 2 || ${#on[@]} == count)) || error '-g wants one GPU, or one for each worker'
    problem=$(license_problem "$config")
    [[ -z $problem ]] || error "license is not valid: ${problem#license }"
    master=$(master_of) || { echo "$master" && exit 1; }
    if [[ $master == *:* ]] && ! runs sqream_single_host_master; then
        mode=distributed
        remember SQREAM_MODE distributed
    fi
    for ((i = 0; i < count; i++)); do
        start_worker "$master" "${on[i]-${on[0]-$((i % $(gpus)))}}" "${ports[i]-}" "${files[i]-}"
    done
}

start_worker() {
    local master=$1 gpu=$2 port=$3 file=$4 n=0 name folder licensed
    local -a mounts=()
    number "$gpu"
    ((gpu < $(gpus))) || error "gpu $gpu: this host has $(gpus) GPUs"
    licensed=$(licensed "$config" workers)
    (($(workers | wc -l) < licensed)) || error "$licensed workers are licensed, $(workers | wc -l) run"
    while runs "sqream_${mode}_worker_$n"; do n=$((n + 1)); done
    name=sqream_${mode}_worker_$n port=${port:-$((5000 + n))}
    number "$port"
    IFS=, read -ra folders <<<"$(setting "$env" SQREAM_DATA_INGEST)"
    for folder in ${folders[@]+"${folders[@]}"}; do mounts+=(-v "$folder:$folder"); done
    if [[ -n $(setting "$env" KRB5_SERVER) ]]; then
        mounts+=(--add-host "$(setting "$env" KRB5_SERVER)")
        for folder in hadoop krb5; do mounts+=(-v "${env%/*}/$folder:/etc/$folder:ro"); done
    fi
    serve "$name" --runtime=nvidia -p "$port:$port" -e "PORT=$port" -e "GPU=$gpu" -e "NVIDIA_VISIBLE_DEVICES=$gpu" \
        -e "SPOOL_GB=${options[-m]:-auto}" -e "CONFIG=$file" -e "MASTER=$master" -e "ADDRESS_FILE=$volume/leveldb/master" \
        ${mounts[@]+"${mounts[@]}"} "sqream:$DB" worker
    echo "started $name on port $port, allocated gpu: $gpu"
}

address() { hostname -I | cut -d' ' -f1; }

editor() { web "sqream_editor_$ED" 3000 'access sqream statement editor through Chrome http://' "$@"; }
studio() { web sqream_admin 8080 'SQream Acceleration Studio is available at http://' "$@"; }

web() {
    local name=$1 port=$2 says=$3
    shift 3
    parse '--start --stop -p --port' "$@"
    if [[ ${options[--stop]+x} ]]; then
        if runs "$name"; then halt "$name"; else error "${name%_"$ED"} is not running"; fi
    elif [[ ${options[--start]+x} ]]; then
        if runs "$name"; then error "$name is already running"; fi
        port=${options[-p]:-${options[--port]:-$port}}
        serve "$name" -p "$port:$port" -e "PORT=$port" "sqream_$WEB:$ED" web
        echo "$says$(address):$port"
    else
        error 'one of the arguments --start --stop is required'
    fi
}

# A client that knows two questions. The services say how many workers they know of, and their version.
client() {
    local port workers statement user password
    parse '--master --worker --host -p --port -d --database -u --user -w --password' "$@"
    port=${options[-p]:-${options[--port]:-$([[ ${options[--master]+x} ]] && setting "$env" PICKER_PORT || echo 5000)}}
    user=${options[-u]:-${options[--user]-}} password=${options[-w]:-${options[--password]-}}
    [[ $user == sqream && $password == sqream ]] || error 'login failed'
    [[ " $(cat /run/lab-sqream 2>/dev/null) " != *' password '* ]] || error 'login failed'
    { read -r -t 5 workers _ <"/dev/tcp/${options[--host]:-127.0.0.1}/$port"; } 2>/dev/null ||
        error "nothing answers on port $port"
    printf 'Interactive client mode\nTo quit, use ^D or \\q.\n\n'
    while printf '%s=> ' "${options[-d]:-master}" && read -r statement; do
        case $statement in
            '\q') return ;;
            'select 1;') if ((workers > 0)); then echo 1; else echo 'error: no worker serves'; fi ;;
            'select workers;') echo "$workers" ;;
            *) echo 'error: the stand-in knows "select 1;" and "select workers;"' ;;
        esac
    done
}
