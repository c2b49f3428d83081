# What debootstrap leaves to do, run inside the new base system (chroot). A bare server: nothing that the product installs.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

useradd --create-home --shell /bin/bash deploy
echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy
chmod 0440 /etc/sudoers.d/deploy
install -d -m 0700 -o deploy -g deploy /home/deploy/.ssh

# Each host has its own.
rm -f /etc/ssh/ssh_host_* /etc/machine-id /var/lib/dbus/machine-id /etc/hostname
printf 'PasswordAuthentication no\nPermitRootLogin no\nHostKey /etc/ssh/ssh_host_ed25519_key\n' >/etc/ssh/sshd_config.d/lab.conf
rm -f /etc/hosts
echo 'LANG=C.UTF-8' >/etc/default/locale

# The stand-in for cable and firmware: address and cgroups, before anything that needs them.
cat >/etc/systemd/system/lab-metal.service <<'UNIT'
[Unit]
Description=The lab's stand-in for cable and firmware
DefaultDependencies=no
After=local-fs.target
Before=network.target systemd-sysctl.service basic.target
Wants=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/bash /usr/lib/lab-metal
[Install]
WantedBy=sysinit.target
UNIT
cat >/usr/lib/lab-metal <<'SCRIPT'
set -euo pipefail
. /etc/lab-metal
for group in /sys/fs/cgroup/*/; do
  if mountpoint -q "$group"; then mount -o remount,bind,rw "$group"; fi
done
mount --make-rshared /
# A new network inherits the machine's setting, which the lab's way out needs; a bare server does not forward.
echo 0 >/proc/sys/net/ipv4/ip_forward
ip link set lo up
ip address replace "$ADDRESS" dev host0
ip link set host0 up
ip route replace default via "$GATEWAY"
SCRIPT
systemctl enable -q lab-metal.service

# They would change or wait for the machine itself: its devices, its kernel.* settings; or hold apt's lock at random moments.
systemctl mask -q systemd-udevd.service systemd-udev-trigger.service systemd-udevd-kernel.socket systemd-udevd-control.socket
systemctl mask -q console-getty.service getty@.service
systemctl disable -q apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer
for file in /usr/lib/sysctl.d/*.conf; do ln -sf /dev/null "/etc/sysctl.d/${file##*/}"; done

# What systemd asks at each boot and daemon-reload, and a host without boot loader and partitions never has.
install -d /etc/systemd/system-generators
for name in bless-boot cryptsetup debug getty gpt-auto hibernate-resume integritysetup run system-update veritysetup; do
    ln -s /dev/null "/etc/systemd/system-generators/systemd-$name-generator"
done

# A host cannot set the clock, so chrony, once the product brings it, watches the time and leaves it alone (-x).
install -d /etc/systemd/system/chrony.service.d
cat >/etc/systemd/system/chrony.service.d/lab.conf <<'UNIT'
[Unit]
ConditionCapability=
[Service]
ExecStart=
ExecStart=!/usr/sbin/chronyd $DAEMON_OPTS -x
UNIT

apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt /etc/resolv.conf
