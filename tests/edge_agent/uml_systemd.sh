#!/bin/bash
# uml_systemd.sh SCENE FOLDER [FROM:TO]…: in a guest of tests/edge_agent/uml.py, boot systemd over an overlay of this
# machine's files, so that nothing of them changes, and run a scene as one of its services. The scene sees FOLDER as
# /out, what it says goes to /out/said, and its exit code is this script's. Each FROM is bound to TO.
set -euo pipefail

scene=$1 folder=$2
shift 2
insmod "/usr/lib/uml/modules/$(uname -r)/kernel/fs/overlayfs/overlay.ko"
layers=/run/layers root=/run/layers/root
mkdir -p $layers
mount -t tmpfs -o size=400m tmpfs $layers
mkdir -p $layers/upper $layers/work $root
mount -t overlay overlay -o lowerdir=/,upperdir=$layers/upper,workdir=$layers/work $root
mkdir -p $root/out
mount --bind "$folder" $root/out
cp "$scene" $root/out/scene
for pair in "$@"; do
    mkdir -p "$root${pair#*:}"
    mount --bind "${pair%%:*}" "$root${pair#*:}"
done
: >$root/etc/fstab
echo 0123456789abcdef0123456789abcdef >$root/etc/machine-id
mkdir -p $root/etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\nRateLimitBurst=0\n' >$root/etc/systemd/journald.conf.d/guest.conf
cat >$root/etc/systemd/system/scene.target <<'UNIT'
[Unit]
Requires=scene.service systemd-journald.service dbus.socket
DefaultDependencies=no
AllowIsolate=yes
UNIT
cat >$root/etc/systemd/system/scene.service <<'UNIT'
[Unit]
DefaultDependencies=no
After=systemd-journald.socket dbus.socket
[Service]
Type=oneshot
Environment=PATH=/usr/sbin:/usr/bin:/sbin:/bin
StandardOutput=append:/out/said
StandardError=append:/out/said
ExecStart=/bin/bash -c 'bash /out/scene; echo $? >/out/code; sync; systemctl --force --force exit'
UNIT
mount --rbind /dev $root/dev
mount --rbind /sys $root/sys
mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
unshare --pid --mount --cgroup --fork chroot $root /bin/sh -c '
    mount -t proc proc /proc
    mount -t tmpfs -o mode=755 tmpfs /run
    mount -t tmpfs tmpfs /tmp
    exec env -i container=uml PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \
        --unit=scene.target --log-target=console --log-level=warning --show-status=no' || true
exit "$(cat "$folder/code")"
