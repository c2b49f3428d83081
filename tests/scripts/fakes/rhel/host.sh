#!/bin/bash
# Makes an emulated Debian host answer like one of the RHEL family: its names, its dnf and rpm (the real ones, which
# Debian has too), and a package source of stand-ins that have the names and dependencies of the real packages.
# usage: host.sh ID VERSION ID_LIKE, with the list of packages on stdin: NAME VERSION-RELEASE [REQUIRES… !CONFLICTS…]
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
shelf=/srv/rhel

os_release() { # ID VERSION ID_LIKE
    rm -f /etc/os-release
    printf 'NAME="%s"\nVERSION="%s"\nID="%s"\nID_LIKE="%s"\nVERSION_ID="%s"\n' "$1" "$2" "$1" "$3" "$2" >/etc/os-release
}

tools() {
    local real
    apt-get update -q
    apt-get install -qy --no-install-recommends dnf dnf-plugins-core rpm createrepo-c gpg gpg-agent curl chrony
    # What a step for Debian would use fails here, for the runner's steps only.
    for real in apt-get apt-mark apt-cache apt-config dpkg dpkg-query; do
        # shellcheck disable=SC2016  # it is the other script's variable
        printf '#!/bin/bash\n[[ -z ${GPU_METAL_HOME-} ]] && exec /usr/bin/%s "$@"\necho "%s: command not found" >&2\nexit 127\n' \
            "$real" "$real" >"/usr/local/sbin/$real"
        chmod 0755 "/usr/local/sbin/$real"
    done
    # Debian's chronyd serves; what RHEL's package brings of it comes with the stand-in.
    systemctl disable -q --now chrony
    rm -rf /etc/chrony /usr/lib/systemd/system/chrony.service /etc/systemd/system/chrony.service.d
    mkdir -p /etc/rpm /etc/yum.repos.d /etc/dnf/vars /etc/pki/rpm-gpg
    printf '%%_dbpath /var/lib/rpm\n%%_gpg_name vendor\n%%__gpg /usr/bin/gpg\n%%debug_package %%{nil}\n' >/etc/rpm/macros
    sed -i 's/^enabled.*/enabled=0/' /etc/dnf/plugins/local.conf
    printf '9\n' >/etc/dnf/vars/releasever
}

# The running kernel, as RHEL names one.
uname_of_rhel() {
    cat >/usr/local/bin/uname <<'SH'
#!/bin/bash
if [[ "$*" == -r ]]; then echo 5.14.0-427.13.1.el9_4.x86_64; else exec /usr/bin/uname "$@"; fi
SH
    chmod 0755 /usr/local/bin/uname
}

# One spec for many: stdin has each name once.
spec() {
    local name version requires word
    printf 'Name: stand-ins\nVersion: 1\nRelease: 1\nSummary: stand-ins\nLicense: none\nAutoReqProv: no\n'
    printf '%%description\nstand-ins\n%%install\ncp -a %s/files/. %%{buildroot}/\n' "$shelf"
    while read -r name version requires; do
        printf '%%package -n %s\nVersion: %s\nRelease: %s\nSummary: stand-in\nAutoReqProv: no\n' \
            "$name" "${version%-*}" "${version##*-}"
        for word in $requires; do
            if [[ $word == !* ]]; then printf 'Conflicts: %s\n' "${word#!}"; else printf 'Requires: %s\n' "$word"; fi
        done
        [[ $name != kernel-devel ]] || printf 'Provides: installonlypkg(kernel)\n'
        printf '%%description -n %s\nstand-in\n%%files -n %s\n' "$name" "$name"
        [[ $name != chrony ]] || printf '%%config(noreplace) /etc/chrony.conf\n/usr/lib/systemd/system/chronyd.service\n'
    done
}

chrony_files() {
    mkdir -p "$shelf/files/etc" "$shelf/files/usr/lib/systemd/system"
    printf '%s\n' 'sourcedir /run/chrony-dhcp' 'driftfile /var/lib/chrony/drift' 'makestep 1.0 3' 'rtcsync' \
        'logdir /var/log/chrony' >"$shelf/files/etc/chrony.conf"
    cat >"$shelf/files/usr/lib/systemd/system/chronyd.service" <<'UNIT'
[Unit]
Description=NTP client/server
[Service]
Type=forking
ExecStart=/usr/sbin/chronyd -x -f /etc/chrony.conf
[Install]
WantedBy=multi-user.target
UNIT
}

# build FOLDER: a source with the packages of stdin; of some there are two versions
build() {
    local round
    mkdir -p "$1"
    cat >"$shelf/list"
    for round in 1 2; do
        awk -v "round=$round" '++seen[$1] == round' "$shelf/list" | spec >"$shelf/one.spec"
        rpmbuild -bb --quiet --target x86_64 --define "_topdir $shelf/build" \
            --define '_unpackaged_files_terminate_build 0' "$shelf/one.spec"
    done
    mv "$shelf"/build/RPMS/*/*.rpm "$1"
}

main() {
    tools >/dev/null
    os_release "$@"
    uname_of_rhel
    chrony_files
    grep "^vendor:" "$shelf/packages" | cut -d: -f2 | build "$shelf/vendor"
    grep -v '^vendor:' "$shelf/packages" | build "$shelf/system"
    export GNUPGHOME=$shelf/gpg
    mkdir -m 0700 "$GNUPGHOME"
    gpg -q --batch --passphrase '' --quick-gen-key vendor rsa3072 2>/dev/null
    gpg -q --armor --export vendor >"$shelf/vendor/key.asc"
    gpg -q --batch --passphrase '' --quick-gen-key other rsa3072 2>/dev/null
    gpg -q --armor --export other >"$shelf/other.asc"
    rpm --addsign "$shelf"/vendor/*.rpm >/dev/null 2>&1
    createrepo_c -q "$shelf/vendor"
    gpg -q --batch --armor --detach-sign "$shelf/vendor/repodata/repomd.xml"
    createrepo_c -q "$shelf/system"
    printf '[baseos]\nname=baseos\nbaseurl=file://%s/system\ngpgcheck=0\n' "$shelf" >/etc/yum.repos.d/system.repo
    dnf -q -y install bash
}

mkdir -p "$shelf"
cat >"$shelf/packages"
main "$@"
