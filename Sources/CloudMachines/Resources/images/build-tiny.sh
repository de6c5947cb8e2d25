#!/bin/bash
# Builds the Tiny image: a Linux kernel for clouds, busybox and dropbear, all out of the host's own Debian or Ubuntu
# package sources. Needs no root, no loop device and no mount.
#
#   bash build-tiny.sh OUTPUT     with an empty working directory; the tiny-*.sh files lie beside this script
#
# OUTPUT gets kernel, initrd, cmdline and disk.qcow2. Lines "PROGRESS <percent> <text>" say how far it is.
set -euo pipefail
shopt -s nullglob
export LC_ALL=C
umask 022

here=$(cd "$(dirname "$0")" && pwd)
output=$1
work=$PWD
root=$work/root
packages=$work/packages
base_disk_mb=64

progress() { echo "PROGRESS $1 $2"; }
fail() { echo "$*" >&2; exit 1; }

# The names of all packages that $1 depends on, and $1 itself.
closure() {
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
        --no-enhances "$1" | grep '^[a-z0-9]' || true
}

# The first file below the unpacked packages that is named $1 (both /lib and /usr/lib exist in the wild).
unpacked() { find "$packages" -name "$1" ! -type d -print -quit; }

download() {
    local kernels="" meta
    for meta in linux-image-cloud-amd64 linux-image-virtual; do
        kernels=$(closure "$meta" 2>/dev/null | grep -E '^linux-(image|modules)-[0-9]' | grep -v unsigned) && break
    done
    [ -n "$kernels" ] || fail "No cloud kernel is in the package lists. Run 'apt-get update' and try again; Debian" \
        "and Ubuntu on amd64 have one."
    local tools
    tools=$( (closure dropbear-bin; closure e2fsprogs) | grep -Ev '^(gcc-|logsave$|debconf|cdebconf)' | sort -u)
    mkdir -p "$packages" debs
    # shellcheck disable=SC2086 # package names are words
    (cd debs && apt-get -qq -o Acquire::Retries=3 download busybox-static dropbear-bin $tools $kernels) ||
        fail "The packages could not be downloaded: $(echo $kernels). Run 'apt-get update' and try again."
}

unpack() {
    local deb
    for deb in debs/*.deb; do dpkg-deb -x "$deb" "$packages"; done
}

# Writes the uncompressed kernel, which boots without the decompressor: its place in the bzImage is in the setup
# header (Linux, Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length).
extract_kernel() {
    local image=$1 to=$2 sectors offset length magic
    sectors=$(od -An -tu1 -j 497 -N 1 "$image" | tr -d ' ')
    offset=$(od -An -tu4 -j 584 -N 4 "$image" | tr -d ' ')
    length=$(od -An -tu4 -j 588 -N 4 "$image" | tr -d ' ')
    tail -c "+$(((sectors + 1) * 512 + offset + 1))" "$image" | head -c "$length" >payload || true
    magic=$(od -An -tx1 -N 4 payload | tr -d ' ')
    case $magic in
        1f8b*) gzip -dc payload >"$to" ;;
        # The other formats are followed by their unpacked size in four bytes.
        02214c18) head -c -4 payload | lz4 -dcq >"$to" ;;
        28b52ffd) head -c -4 payload | zstd -dcq >"$to" ;;
        fd377a58) head -c -4 payload | xz -dc >"$to" ;;
        425a68*) head -c -4 payload | bzip2 -dc >"$to" ;;
        *) cp "$image" "$to" && return ;;  # unknown: QEMU boots the bzImage as well, only slower
    esac
    [ "$(od -An -tx1 -N 4 "$to" | tr -d ' ')" = 7f454c46 ] || fail "The kernel in $image did not unpack to an ELF file."
}

# Puts the module $1 into the initrd; built into the kernel is as good.
add_module() {
    local file
    file=$(unpacked "$1.ko*")
    case $file in
        '') grep -q "/$1\.ko" "$(unpacked modules.builtin)" || fail "The kernel has no module $1." ;;
        *.ko) cp "$file" "$root/lib/modules/" ;;
        *.xz) xz -dc "$file" >"$root/lib/modules/$1.ko" ;;
        *.zst) zstd -dcq "$file" >"$root/lib/modules/$1.ko" ;;
        *) fail "The module $file is compressed in an unknown way." ;;
    esac
}

# Puts the program $1 of the packages to $2 in the initrd, with the libraries that its loader asks for.
add_program() {
    local program library
    program=$(find "$packages" -path "*/$1" -type f -print -quit)
    [ -n "$program" ] || fail "The packages have no $1."
    install -D -m 755 "$program" "$root/$2"
    "$loader" --library-path "$library_path" --list "$program" | awk '$2 == "=>" { print $3 }' |
        while read -r library; do
            [ -e "$root/lib/${library##*/}" ] || cp -L "$library" "$root/lib/${library##*/}"
        done
}

# Debian's busybox has a wget that crashes at -T. Its shell runs its own programs whatever lies in the PATH, so this one
# gets another name in busybox's sorted list, of the same length and in the same place: tiny-wget.sh takes the old one.
rename_wget() {
    local status=0
    # In a shell of its own, which tells of the crash.
    ("$1" wget -T 1 -q -O /dev/null http://127.0.0.1:1/ || exit $?) 2>/dev/null || status=$?
    [ "$status" -ge 128 ] || return 0
    [ "$(tr '\0' '\n' <"$1" | grep -c -a -x wget)" = 1 ] || fail "The busybox does not list its wget once."
    sed -i -z 's/^wget$/wgew/' "$1"
    "$1" --list | grep -q -x wgew || fail "The busybox does not know its wget by another name."
}

make_initrd() {
    local applet module
    mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,lib/modules,lib64,etc/acpi/PWRF,etc/dropbear,proc,sys,dev,run,tmp,root,mnt}
    install -m 755 "$(find "$packages" -path '*/bin/busybox' -type f -print -quit)" "$root/bin/busybox"
    rename_wget "$root/bin/busybox"
    for applet in $("$root/bin/busybox" --list); do
        case $applet in busybox | init | mke2fs) ;; *) ln -s busybox "$root/bin/$applet" ;; esac
    done

    loader=$(unpacked 'ld-linux-x86-64.so.2')
    library_path=$(find "$packages" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
    cp -L "$loader" "$root/lib64/"
    add_program sbin/dropbear usr/sbin/dropbear
    add_program bin/dropbearkey usr/bin/dropbearkey
    add_program sbin/mke2fs sbin/mke2fs
    add_program sbin/resize2fs sbin/resize2fs

    # In the order in which they are loaded.
    for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci failover net_failover \
        virtio_net virtio_blk button evdev virtio_balloon; do
        add_module "$module"
        if [ -e "$root/lib/modules/$module.ko" ]; then echo "$module" >>"$root/lib/modules/order"; fi
    done
    for module in cdrom isofs fat nls_cp437 nls_ascii vfat; do add_module "$module"; done
    if command -v strip >/dev/null; then strip --strip-debug "$root"/lib/modules/*.ko; fi

    install -m 755 "$here/tiny-init.sh" "$root/init"
    install -m 755 "$here/tiny-lsblk.sh" "$root/bin/lsblk"
    install -m 755 "$here/tiny-udhcpc.sh" "$root/lib/udhcpc.sh"
    # There is no link of that name then.
    if [ -e "$root/bin/wgew" ]; then install -m 755 "$here/tiny-wget.sh" "$root/bin/wget"; fi
    printf '#!/bin/sh\nexec poweroff\n' >"$root/etc/acpi/PWRF/00000080"
    chmod 755 "$root/etc/acpi/PWRF/00000080"
    # The same packages make the same bytes, so a build that brings nothing new takes no further space in the store.
    find "$root" -exec touch -h -d @0 {} +
    # Uncompressed: reading it is quicker than unpacking it.
    (cd "$root" && find . -print0 | sort -z | cpio --null --reproducible -o -H newc --owner 0:0 --quiet) >"$output/initrd"
}

mkdir -p "$output"
progress 5 "downloading packages"
download
progress 40 "unpacking packages"
unpack
progress 60 "unpacking the kernel"
extract_kernel "$(find "$packages" -path '*/boot/vmlinuz-*' -print -quit)" "$output/kernel"
progress 80 "making the initrd"
make_initrd
# Quick to boot under emulation: no work that a guest of this size has no use for.
echo "console=ttyS0 quiet panic=10 rdinit=/init nokaslr mitigations=off audit=0 cryptomgr.notests tsc=reliable" \
    "no_timer_check initcall_blacklist=init_kprobe_trace,crypto_kdf108_init,btf_vmlinux_init" >"$output/cmdline"
progress 95 "making the disk"
qemu-img create -q -f qcow2 "$output/disk.qcow2" "${base_disk_mb}M"
progress 100 "built"
