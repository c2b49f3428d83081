#!/usr/bin/env bash
# Stand-in of the gpu-metal lab, not SQream's own: the installer, as its documents describe it.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/.install/common.sh"

usage() {
    cat <<END
sqream-install $INSTALLER: stand-in of the gpu-metal lab, not SQream's own. It installs SQreamDB $DB.
  -i            load the images from .docker; upgrade what is installed
  -k            load the license packages from license/
  -K            validate the license
  -v DIR        storage cluster: made when there is none, mounted when there is
  -c DIR        configuration (/etc/sqream)
  -l DIR        startup logs (/var/log/sqream)
  -d DIR        data to load; may be repeated
  -f            overwrite existing folders: ALL files in the mounted folders are lost
  -p USER -e NAME:IP   Kerberos user and server
  -s            show settings
  -r            reset the configuration; alone
  -h            this help
The first run needs -i -k -v.
END
}

die() { echo "sqream-install: $1" >&2 && exit "${2-1}"; }
wrong() { usage >&2 && die "$1" 2; }

# Asks on standard output, reads one line; end of input is no
agreed() {
    local answer=''
    printf '%s [Yes/No]: ' "$1"
    read -r answer || true
    echo
    [[ ${answer,,} == y || ${answer,,} == yes ]]
}

i='' k='' K='' f='' s='' r='' c='' v='' l='' p='' e='' given=0
ingest=()
while getopts ':ikKfsrhc:v:l:d:p:e:' flag; do
    given=$((given + 1))
    case $flag in
        h) usage && exit 0 ;;
        d) ingest+=("$OPTARG") ;;
        c | v | l | p | e) printf -v "$flag" %s "$OPTARG" ;;
        :) wrong "-$OPTARG wants a value" ;;
        '?') wrong "unknown flag -$OPTARG" ;;
        *) printf -v "$flag" yes ;;
    esac
done
shift $((OPTIND - 1))
(($# == 0)) || wrong "unknown word $1"
((given > 0)) || wrong 'no flag'
[[ -z $r || $given == 1 ]] || wrong '-r stands alone'
[[ (-z $p && -z $e) || ($p && $e) ]] || wrong '-p and -e stand together'
[[ -z $e || $e =~ ^[A-Za-z0-9.-]+:[0-9a-f.:]+$ ]] || wrong '-e wants NAME:IP'
for folder in "$c" "$v" "$l" ${ingest[@]+"${ingest[@]}"}; do
    [[ -z $folder || $folder == /* ]] || wrong "$folder is no absolute path"
done

user=$(id -un)
((EUID != 0)) || user=${SUDO_USER-}
if [[ -z $user || $user == root ]]; then die 'run it with sudo as the SQream user, not as root'; fi
home=$(getent passwd "$user" | cut -d: -f6)
env=$home/.sqream/env_file

if [[ $s ]]; then
    [[ -r $env ]] || die 'SQream is not installed'
    settings "$env"
    ((given > 1)) || exit 0
fi
((EUID == 0)) || die 'run it with sudo as the SQream user, not as root'
[[ -e $env || ($i && $k && $v) ]] || die 'the first run needs -i -k -v <volume path>'
docker version --format x >/dev/null || die 'docker does not answer'

known() { [[ ! -e $env ]] || setting "$env" "$1"; }
config=${c:-$(known SQREAM_CONFIG_DIR)}
config=${config:-/etc/sqream}
config=${config%/}
log=${l:-$(known SQREAM_LOG_DIR)}
log=${log:-/var/log/sqream}
log=${log%/}
volume=${v:-$(known SQREAM_VOLUME)}
old_ingest=$(known SQREAM_DATA_INGEST)
IFS=, read -ra all_ingest <<<"$old_ingest"
for folder in ${ingest[@]+"${ingest[@]}"}; do
    [[ ",$old_ingest," == *",$folder,"* ]] || all_ingest+=("$folder")
done

# Images of SQream's: name:tag, but for those of this package where $1 is `other`
images() {
    docker image ls --format '{{.Repository}}:{{.Tag}}' | grep -E '^sqream(_console|_editor|_studio)?:' |
        if [[ ${1-} != other ]]; then
            cat
        else
            grep -vxF "$(printf '%s\n' "sqream:$DB" "sqream_console:$CO" "sqream_$WEB:$ED")"
        fi || true
}

reset() {
    [[ -z $(services) ]] || die 'stop the services first'
    docker ps -aq --filter 'name=^/sqream_' | xargs -r docker rm >/dev/null
    images | xargs -r docker image rm >/dev/null
    rm -rf "$config/docker_config.json" "$config/license" "$home/.sqream" /usr/local/bin/sqream-status
    echo 'the configuration is reset'
}

overwrite() {
    local folder
    for folder in "$volume" "$config" "$log" ${all_ingest[@]+"${all_ingest[@]}"}; do
        [[ ! -d $folder ]] || find "$folder" -mindepth 1 -delete
    done
}

empty() { [[ -z $(ls -A "$1" 2>/dev/null) ]]; }

# What -v and -c may take over. Ingest folders may lie in the storage, as in the documents' example.
check_folders() {
    local folder own=(! -name lost+found)
    for folder in ${all_ingest[@]+"${all_ingest[@]}"}; do own+=(! -path "$folder"); done
    if [[ ! -e $volume/leveldb/metadata_version &&
        -n $(find "$volume" -mindepth 1 -maxdepth 1 "${own[@]}" 2>/dev/null) ]]; then
        die "$volume exists and is not empty. Use -f to overwrite it"
    elif ! empty "$config" && [[ ! -e $config/docker_config.json ]]; then
        die "$config exists and is not empty. Use -f to overwrite it"
    fi
}

stop_services() {
    local running
    running=$(services | sort | xargs)
    [[ -n $running ]] || return 0
    agreed "SQream services are running: $running. Stop all of them and continue?" ||
        die 'the upgrade was stopped; nothing was changed'
    # shellcheck disable=SC2086  # one word a service
    docker rm -f $running >/dev/null
}

metadata() { cat "$volume/leveldb/metadata_version" 2>/dev/null || echo "$METADATA"; }

approve_metadata() {
    local now
    now=$(metadata)
    if ((now > METADATA)); then
        die "metadata $now of $volume is newer than $METADATA, which SQreamDB $DB reads"
    elif ((now < METADATA)); then
        agreed "SQreamDB $DB changes the metadata structure from $now to $METADATA; older versions cannot read it afterwards. \
Do you approve?" || die 'not approved; the metadata is as it was'
    fi
}

load_images() {
    local image n=0
    for image in "$here"/.docker/*.tar; do
        n=$((n + 1))
        if ((n == 2)) && fault load; then die "docker load of ${image##*/}: no space left on device"; fi
        docker load -q -i "$image" || die "docker load of ${image##*/} failed"
    done
}

change_metadata() {
    mkdir -p "$volume/leveldb" "$volume/databases"
    if [[ $(metadata) != "$METADATA" ]] && fault migrate; then
        die "the metadata could not be changed; it is as it was ($(metadata))"
    fi
    echo "$METADATA" >"$volume/leveldb/.new"
    mv "$volume/leveldb/.new" "$volume/leveldb/metadata_version"
}

load_licenses() {
    local package problem found=''
    for package in "$here"/license/*.tar.gz; do
        [[ -e $package ]] || die 'no license package in ./license'
        mkdir -p "$config/license"
        tar -xzf "$package" --no-same-owner -C "$config/license" license 2>/dev/null ||
            die "license package ${package##*/} is not readable"
        found=$package
    done
    echo "license package ${found##*/} is loaded"
    problem=$(license_problem "$config")
    [[ -z $problem ]] || echo "warning: license is not valid: $problem"
}

kerberos() {
    local file missing=''
    for file in .hadoop/core-site.xml .hadoop/hdfs-site.xml .krb5/krb5.conf .krb5/hdfs.keytab; do
        [[ -s $here/$file ]] || missing+=" $file"
    done
    [[ -z $missing ]] || die "missing:$missing"
    install -d -m 0755 "$home/.sqream/hadoop" "$home/.sqream/krb5"
    install -m 0644 "$here"/.hadoop/*-site.xml "$home/.sqream/hadoop"
    install -m 0644 "$here/.krb5/krb5.conf" "$home/.sqream/krb5"
    install -m 0600 "$here/.krb5/hdfs.keytab" "$home/.sqream/krb5"
}

# The versions are this package's after -i only
write_env() {
    local tags
    tags=$(printf '%s\n' "SQREAM_CONSOLE_TAG=$CO" "SQREAM_TAG=$DB" "SQREAM_EDITOR_TAG=$ED")
    [[ $i ]] || tags=$(grep _TAG= "$env")
    install -d -o "$user" -g "$(id -g "$user")" "$home/.sqream"
    cat >"$env.new" <<END
$tags
SQREAM_VOLUME=$volume
SQREAM_DATA_INGEST=$(IFS=, && echo "${all_ingest[*]-}")
SQREAM_CONFIG_DIR=$config/
SQREAM_LOG_DIR=$log/
SQREAM_USER=$user
SQREAM_HOME=$home
SQREAM_ENV_PATH=$env
PROCESSOR=$(uname -m)
METADATA_PORT=$(known METADATA_PORT | grep . || echo 3105)
PICKER_PORT=$(known PICKER_PORT | grep . || echo 3108)
SQREAM_MODE=$(known SQREAM_MODE | grep . || echo single_host)
KRB5_USER=${p:-$(known KRB5_USER)}
KRB5_SERVER=${e:-$(known KRB5_SERVER)}
END
    sed -i '/^KRB5_.*=$/d' "$env.new"
    chown "$user:" "$env.new"
    mv "$env.new" "$env"
}

if [[ $r ]]; then reset && exit 0; fi
if [[ $K && $given == 1 ]]; then
    problem=$(license_problem "$config")
    [[ -z $problem ]] || die "$problem"
    echo "license is valid until $(licensed "$config" expires) for $(licensed "$config" workers) workers" && exit 0
fi
if [[ $i ]]; then
    stop_services
elif [[ $v$c$l$f && -n $(services) ]]; then
    die 'stop the services first'
fi
if [[ $f ]]; then overwrite; fi
if [[ $v$c ]]; then check_folders; fi
if [[ $i || $v ]]; then approve_metadata; fi
if [[ $i ]]; then load_images; fi
mkdir -p "$config" "$log" ${all_ingest[@]+"${all_ingest[@]}"}
echo "{\"volume\": \"$volume\"}" >"$config/docker_config.json"
if [[ $i || $v ]]; then change_metadata; fi
if [[ $k ]]; then load_licenses; fi
if [[ $p ]]; then kerberos; fi
write_env
if [[ $i ]]; then
    install -m 0755 "$here/.install/sqream-status" /usr/local/bin/sqream-status
    images other | xargs -r docker image rm >/dev/null
    echo "SQreamDB $DB is installed"
fi
if [[ $K ]]; then
    problem=$(license_problem "$config")
    [[ -z $problem ]] || die "$problem"
fi
