#!/bin/bash
# Builds the DEBIAN-12 image: a bootable disk with Debian 12, cloud-init and an SSH server, out of Debian's packages.
# Needs root for the packages' own scripts; needs no loop device and no mount of its own.
#
#   bash build-debian.sh OUTPUT     with an empty working directory
#
# OUTPUT gets disk.qcow2. Lines "PROGRESS <percent> <text>" say how far it is.
set -euo pipefail
# In mounts of its own: what mmdebstrap mounts for the packages' scripts is gone when this ends, however it ends.
if [ -z "${STRETTCH_UNSHARED-}" ]; then
    STRETTCH_UNSHARED=1 exec unshare --mount --propagation private bash "$0" "$@"
fi
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
umask 022

output=$1
export TMPDIR=$PWD
root=$PWD/root
disk=$PWD/disk.raw
suite=bookworm
disk_mb=2048
first_sector=2048
uuid=$(cat /proc/sys/kernel/random/uuid)

# Kernel and boot; the network; what cloud-init needs; what people expect on a server.
packages=(
    linux-image-cloud-amd64 tiny-initramfs systemd-sysv udev dbus
    systemd-resolved systemd-timesyncd libnss-resolve iproute2 iputils-ping netbase
    cloud-init cloud-guest-utils e2fsprogs fdisk openssh-server qemu-guest-agent
    ca-certificates curl less nano procps sudo tzdata
)

progress() { echo "PROGRESS $1 $2"; }
fail() { echo "$*" >&2; exit 1; }

# The host's own sources of this suite, whatever its mirror; Debian's where the host has another system.
sources() {
    local lines
    lines=$(apt-get indextargets \
        --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)|$(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
        awk -F'|' -v suite="$suite" '
            ($2 == suite || $2 == suite "-updates" || $2 == suite "-security") && $3 == "main" && $5 == "Debian" {
                key = $4 ~ /^\// ? $4 : "/usr/share/keyrings/debian-archive-keyring.gpg"
                line = "deb [signed-by=" key "] " $1 " " $2 " main"
                if (!seen[line]++) print line
            }')
    if grep -q " $suite main" <<<"$lines"; then echo "$lines"; else debian_sources; fi
}

debian_sources() {
    echo "deb http://deb.debian.org/debian $suite main"
    echo "deb http://deb.debian.org/debian $suite-updates main"
    echo "deb http://security.debian.org/debian-security $suite-security main"
}

bootstrap() {
    local options=() proxy line
    for proxy in http https; do
        line=$(apt-config dump "Acquire::$proxy::Proxy" | sed -n 's/.* "\(.*\)";$/\1/p' | head -n 1)
        if [ "$line" ]; then options+=(--aptopt="Acquire::$proxy::Proxy \"$line\""); fi
    done
    sources >sources
    mmdebstrap --variant=minbase --mode=root --include="$(IFS=,; echo "${packages[*]}")" \
        --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
        --aptopt='Acquire::Retries "3"' "${options[@]}" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-include=/usr/share/locale/locale.alias' \
        --setup-hook='mkdir -p "$1/etc/tiny-initramfs"' \
        --setup-hook="cp '$PWD/tiny-initramfs.conf' \"\$1/etc/tiny-initramfs/tiny-initramfs.conf\"" \
        "$suite" "$root" "$PWD/sources" 2>&1 |
        while read -r line; do
            echo "$line"
            case $line in
                *'running apt-get update'*) progress 5 "reading package lists" ;;
                *'downloading packages'*) progress 10 "downloading packages" ;;
                *'extracting archives'*) progress 20 "unpacking packages" ;;
                *'installing essential'*) progress 25 "installing the base system" ;;
                *'installing remaining'*) progress 35 "installing packages" ;;
                *'cleaning'*) progress 70 "cleaning up" ;;
            esac
        done
}

put() { # path below the root; the text is read from stdin
    mkdir -p "$root$(dirname "$1")"
    cat >"$root$1"
}

configure() {
    # What belongs to the build alone. An empty machine-id is filled in at the first boot; host keys are made there.
    rm -f "$root"/etc/ssh/ssh_host_* "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
    rm -f "$root"/etc/apt/sources.list.d/* "$root"/var/lib/systemd/random-seed "$root"/var/lib/dbus/machine-id
    : >"$root/etc/machine-id"
    ln -s /etc/machine-id "$root/var/lib/dbus/machine-id"
    ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
    echo debian | put /etc/hostname
    printf '127.0.0.1\tlocalhost\n::1\t\tlocalhost ip6-localhost ip6-loopback\n' | put /etc/hosts
    echo 'LANG=C.UTF-8' | put /etc/default/locale
    echo "UUID=$uuid / ext4 noatime,errors=remount-ro 0 1" | put /etc/fstab
    put /etc/apt/sources.list <<END
deb http://deb.debian.org/debian $suite main
deb http://deb.debian.org/debian $suite-updates main
deb http://deb.debian.org/debian-security $suite-security main
END

    # Root logs in by key; nobody logs in by password.
    sed -i 's/^root:[^:]*:/root:*:/' "$root/etc/shadow"
    put /etc/ssh/sshd_config.d/10-cloud.conf <<'END'
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
END
    # What cloud-init would write there for "ssh_pwauth: false"; as it is written already, it does not restart SSH.
    echo 'PasswordAuthentication no' | put /etc/ssh/sshd_config.d/50-cloud-init.conf

    put /etc/cloud/cloud.cfg.d/90_cloud.cfg <<'END'
# The seed is a disk with the label cidata; looking for other clouds would only take time.
datasource_list: [NoCloud, None]
disable_root: false
ssh_pwauth: false
ssh_deletekeys: true
ssh_genkeytypes: [ed25519, ecdsa]
no_ssh_fingerprints: true
ssh: {emit_keys_to_console: false}
locale: false
manage_etc_hosts: true
cloud_init_modules:
  [bootcmd, write-files, growpart, resizefs, set_hostname, update_hostname, update_etc_hosts, users-groups, ssh]
cloud_config_modules: [set-passwords, timezone, runcmd]
cloud_final_modules: [package-update-upgrade-install, write-files-deferred, scripts-per-boot, scripts-user]
system_info:
  network: {renderers: [networkd], activators: [networkd]}
END
    # What would say again what is said above, differently.
    echo 'datasource: NoCloud' | put /etc/cloud/ds-identify.cfg

    # User data that can't be had, such as an #include whose server does not answer, is left out with a warning: by
    # default cloud-init gives up on all of it, and on the SSH server's keys with it (cloudinit/features.py).
    echo 'ERROR_ON_USER_DATA_FAILURE = False' | put /usr/lib/python3/dist-packages/cloudinit/feature_overrides.py

    # The file systems' own state is fresh: nothing is to be rebuilt at the first boot.
    touch "$root/etc/.updated" "$root/var/.updated"
    # Debian's packages enable their services; networkd is the exception.
    enable multi-user.target.wants systemd-networkd.service
    enable sockets.target.wants systemd-networkd.socket
    enable network-online.target.wants systemd-networkd-wait-online.service
    # No LVM snapshots to check, no crash dumps in firmware, no keyboard.
    mask e2scrub_reap.service systemd-pstore.service getty@tty1.service sys-kernel-debug.mount \
        sys-kernel-tracing.mount cloud-init-hotplugd.socket
}

enable() { # target's folder, unit
    mkdir -p "$root/etc/systemd/system/$1"
    ln -sf "/lib/systemd/system/$2" "$root/etc/systemd/system/$1/$2"
}
mask() {
    local unit
    for unit in "$@"; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
}

# GRUB follows the links that every new kernel package moves, so kernel upgrades need no grub package in the guest.
configure_boot() {
    [ -e "$root/vmlinuz" ] && [ -e "$root/initrd.img" ] || fail "The kernel package left no /vmlinuz and /initrd.img."
    put /boot/grub/grub.cfg <<END
set timeout=0
linux /vmlinuz root=UUID=$uuid rw console=tty0 console=ttyS0,115200 net.ifnames=0 quiet
initrd /initrd.img
boot
END
}

make_disk() {
    rm -f "$disk"
    truncate -s "${disk_mb}M" "$disk"
    echo "start=$first_sector, type=83, bootable" | sfdisk -q "$disk"
    mke2fs -q -F -t ext4 -L root -U "$uuid" -m 1 -d "$root" \
        -E "offset=$((first_sector * 512)),lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0" \
        "$disk" "$((disk_mb * 1024 - first_sector / 2))K"
    printf 'search --no-floppy --fs-uuid --set=root %s\nset prefix=($root)/boot/grub\nconfigfile /boot/grub/grub.cfg\n' \
        "$uuid" >early.cfg
    grub-mkimage -O i386-pc -o core.img -c early.cfg -p /boot/grub \
        biosdisk part_msdos ext2 linux normal configfile search search_fs_uuid
    [ "$(stat -c %s core.img)" -lt $(((first_sector - 1) * 512)) ] || fail "GRUB does not fit before the partition."
    dd if=/usr/lib/grub/i386-pc/boot.img of="$disk" bs=440 count=1 conv=notrunc status=none
    dd if=core.img of="$disk" bs=512 seek=1 conv=notrunc status=none
}

# The initrd: Debian's smallest, with what the root disk needs.
cat >tiny-initramfs.conf <<'END'
DEBUG=no
MICROCODE=no
AUTO_MODULES=no
INCLUDE_MODULES="virtio_pci,virtio_blk"
END

mkdir -p "$output"
progress 1 "starting"
bootstrap
progress 75 "configuring"
configure
configure_boot
progress 80 "making the disk"
make_disk
progress 90 "converting"
qemu-img convert -q -f raw -O qcow2 "$disk" "$output/disk.qcow2"
progress 100 "built"
