# The address by which all reach the API server is up, on this control plane or on another one.
# rows: K13
# inputs: address port node router_id
# bulk: haproxy keepalived settings program state
# uses: host
#
# haproxy and keepalived run by units of our own, with settings of our own. What others have set up for themselves, with
# the same programs, is neither read nor changed; only a port or a VRRP group that both would use is refused.
# Undone, this host lets go of the address, and another control plane takes it. It does so in every planned stop, a reboot
# too: gpu-metal-endpoint says how.

_folder=/etc/gpu-metal/endpoint
_mark=$_folder/changed
_units=/etc/systemd/system
_program=/usr/local/sbin/gpu-metal-endpoint
_stopped=$GPU_METAL_HOME/virtual-address-stopped
_booleans=$GPU_METAL_HOME/virtual-address-booleans

check() {
    local name said
    for name in haproxy keepalived; do
        if ! _settings $name | same_file "$(_file $name)"; then untrue "$(_file $name) is not the site's"; fi
        if ! _unit $name | same_file $_units/gpu-metal-$name.service; then
            untrue "$_units/gpu-metal-$name.service is not the site's"
        fi
        if ! systemctl is-enabled -q gpu-metal-$name; then untrue "gpu-metal-$name.service is not enabled"; fi
        if ! systemctl is-active -q gpu-metal-$name; then untrue "gpu-metal-$name.service does not run: $(_said $name)"; fi
    done
    for name in $_folder/{member,settings,state.lua} $_program; do
        if ! _text "$name" | same_file "$name"; then untrue "$name is not the site's"; fi
    done
    if [[ -e $_mark ]]; then untrue "haproxy or keepalived has not read its settings again"; fi
    if ! _is_up 10; then
        untrue "nobody answers at $(input address):$(input port). Fix: journalctl -u gpu-metal-keepalived -n 20 on each control plane"
    fi
    said=$(_others)
    if [[ -n $said ]]; then remark "$said"; fi
}

apply() {
    local name holder
    _refuse
    _stop_those_of_the_packages
    _allow
    mkdir -p $_folder
    : >$_mark
    for name in $_folder/{settings,state.lua}; do _text "$name" | write_file "$name" 0644; done
    for name in $_folder/member $_program; do _text "$name" | write_file "$name" 0755; done
    for name in haproxy keepalived; do
        _settings $name | write_file "$(_file $name)" 0640
        _unit $name | write_file $_units/gpu-metal-$name.service 0644
        systemd_reload gpu-metal-$name.service
        if ! systemctl is-enabled -q gpu-metal-$name; then systemctl enable -q --no-reload gpu-metal-$name; fi
    done
    if ! haproxy -c -q -f "$(_file haproxy)"; then _fail "haproxy refuses $(_file haproxy)"; fi
    for name in haproxy keepalived; do
        # A reload lets connections be, and the address where it is.
        if ! systemctl reload-or-restart gpu-metal-$name; then _fail "gpu-metal-$name.service does not start: $(_said $name)"; fi
    done
    rm $_mark
    if ! _is_up 20; then
        _fail "nobody has taken $(input address): $(_said keepalived). Fix: journalctl -u gpu-metal-keepalived -n 20"
    fi
}

undo() {
    local name
    # The address first: another control plane takes it before haproxy ends here.
    for name in keepalived haproxy; do
        systemctl disable -q --no-reload --now gpu-metal-$name 2>/dev/null || true
        systemctl reset-failed gpu-metal-$name 2>/dev/null || true
        rm -f $_units/gpu-metal-$name.service
    done
    rm -rf $_folder $_program /var/lib/haproxy/gpu-metal-away
    rmdir /etc/gpu-metal 2>/dev/null || true
    while read -r name; do setsebool -P "$name" off; done < <(cat "$_booleans" 2>/dev/null)
    rm -f "$_stopped" "$_booleans"
}

_fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

_file() {
    case $1 in
        haproxy) printf '%s/haproxy.cfg' $_folder ;;
        keepalived) printf '%s/keepalived.conf' $_folder ;;
    esac
}

_settings() {
    case $1 in
        haproxy) bulk haproxy ;;
        keepalived) _of_keepalived ;;
    esac
}

# With the interface that has the address by which the site knows this host
_of_keepalived() {
    local name
    name=$(ip -o -4 address show to "$(input node)" | awk '{ print $2; exit }')
    bulk keepalived | sed "s|\\bINTERFACE\\b|$name|"
}

# _text FILE: what the site wants in it
_text() {
    case ${1##*/} in
        member) _member ;;
        settings) bulk settings ;;
        state.lua) bulk state ;;
        *) bulk program ;;
    esac
}

# Before kubeadm has begun here, anyone may have the address: kubeadm wants it. While the API server is away as planned,
# the address stays.
_member() {
    printf '%s\n' '#!/bin/sh' '# gpu-metal' 'test -e /etc/kubernetes/manifests/kube-apiserver.yaml || exit 0' \
        "$_program is-away && exit 0" \
        "exec curl -sfk --noproxy '*' --max-time 3 -o /dev/null https://$(input node):6443/livez"
}

# shellcheck disable=SC2016  # systemd expands $MAINPID
# In a shutdown, what starts last stops first: the host has given the address away before anything else ends.
_unit() {
    printf '%s\n' '# gpu-metal' '[Unit]' 'After=network-online.target' 'Wants=network-online.target'
    case $1 in
        haproxy)
            printf '%s\n' "Description=Way to the site's API servers (haproxy)" '[Service]' 'Type=notify' \
                "ExecStart=/usr/sbin/haproxy -Ws -f $(_file haproxy) -p /run/gpu-metal-haproxy.pid" \
                "ExecReload=/usr/sbin/haproxy -c -q -f $(_file haproxy)" 'ExecReload=/bin/kill -USR2 $MAINPID' \
                'KillMode=mixed' 'SuccessExitStatus=143' 'LimitNOFILE=65536'
            ;;
        keepalived)
            printf '%s\n' "Description=Address of the site's API servers (keepalived)" \
                'After=gpu-metal-haproxy.service containerd.service kubelet.service network.target' \
                '[Service]' 'Type=simple' "ExecStartPre=-$_program left" "ExecStartPre=-$_program back" \
                "ExecStop=-$_program leave" "ExecStopPost=-$_program left" \
                "ExecStart=/usr/sbin/keepalived --dont-fork --vrrp -f $(_file keepalived) -p /run/gpu-metal-keepalived.pid -r /run/gpu-metal-vrrp.pid" \
                'ExecReload=/bin/kill -HUP $MAINPID'
            ;;
    esac
    printf '%s\n' 'Restart=always' 'RestartSec=2' '[Install]' 'WantedBy=multi-user.target'
}

# _is_up SECONDS: does somebody answer at the address? After its owner has left, another takes it within seconds.
_is_up() {
    # shellcheck disable=SC2016  # the inner bash expands it
    timeout "$1" bash -c 'until (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; do sleep 0.3; done' _ "$(input address)" "$(input port)"
}

# The last line of the program itself, not of systemd about it
_said() {
    journalctl --sync 2>/dev/null || true
    journalctl "_SYSTEMD_UNIT=gpu-metal-$1.service" -n 1 -o cat 2>/dev/null || true
}

# A port, or a group of VRRP, that others use here already
_refuse() {
    local holder file port
    for port in "$(input port)" $(bulk settings | sed -n 's/^state_port=//p'); do
        if systemctl is-active -q gpu-metal-haproxy && grep -qsE "^ *bind [^ ]*:$port$" "$(_file haproxy)"; then continue; fi
        holder=$(port_holder "$port")
        if [[ -n $holder ]]; then
            _fail "port $port is taken ($holder), and haproxy wants it for the API servers. Nothing was changed." \
                "Fix: another kubernetes.virtualAddress.port, or stop that program"
        fi
    done
    if ! systemctl is-active -q keepalived; then return 0; fi
    for file in /etc/keepalived/*.conf; do
        if grep -qsE "^\s*virtual_router_id\s+$(input router_id)\s*$" "$file"; then
            _fail "$file, which is not ours, has the VRRP group $(input router_id), too. Nothing was changed." \
                "Fix: another kubernetes.virtualAddress.routerId"
        fi
    done
}

# Packages of Debian start their units, which have nothing to do. Those that were here before us stay as they are.
_stop_those_of_the_packages() {
    local name
    for name in haproxy keepalived; do
        if grep -qsx "$name" "$_stopped" || ! grep -qsx "$name" "$GPU_METAL_HOME/packages/came"; then continue; fi
        systemctl disable -q --no-reload --now "$name" 2>/dev/null || true
        {
            cat "$_stopped" 2>/dev/null || true
            printf '%s\n' "$name"
        } | write_file "$_stopped" 0600
    done
}

# The programs' own units, where others run them
_others() {
    local name found=()
    for name in haproxy keepalived; do
        if ! grep -qsx "$name" "$_stopped" && systemctl is-active -q "$name"; then found+=("$name.service"); fi
    done
    if ((${#found[@]})); then
        printf '%s: others have set it up here. It goes on beside gpu-metal-haproxy and gpu-metal-keepalived, and is not changed' \
            "$(paste -sd ' ' <<<"${found[*]}")"
    fi
}

# SELinux lets haproxy connect to few ports, and keepalived's scripts to none.
_allow() {
    local name
    if [[ $(getenforce 2>/dev/null || true) != Enforcing && $(getenforce 2>/dev/null || true) != Permissive ]]; then return 0; fi
    for name in haproxy_connect_any keepalived_connect_any; do
        if [[ $(getsebool "$name" 2>/dev/null || true) != *' off' ]]; then continue; fi
        {
            cat "$_booleans" 2>/dev/null || true
            printf '%s\n' "$name"
        } | write_file "$_booleans" 0600
        setsebool -P "$name" on
    done
}
