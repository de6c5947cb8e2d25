#!/bin/busybox sh
# The first process of a Tiny guest: becomes what the NoCloud seed says, then hands over to busybox init, which keeps
# the SSH server running, reaps orphans and powers off. There is no password and no shell but by SSH with a key.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root
umask 022
seed=/mnt/seed
mkdir -p "$seed"
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
say() { read -r up _ </proc/uptime; echo "tiny: [$up] $*" >/dev/console; }

while read -r module; do insmod "/lib/modules/$module.ko"; done </lib/modules/order
ip link set lo up

# --- The seed: a block device with the label cidata, ISO 9660 or FAT. The other disk is the guest's own.
label() { dd if="$1" bs=1 skip="$2" count=6 2>/dev/null | tr A-Z a-z; }
find_seed() {
    for path in /sys/block/vd* /sys/block/sr*; do
        [ -e "$path" ] || continue
        device=/dev/${path##*/}
        if [ "$(label "$device" 32808)" = cidata ]; then seed_device=$device seed_type=iso9660 && return 0; fi
        for offset in 43 71; do # FAT12 and FAT16; FAT32
            if [ "$(label "$device" $offset)" = cidata ]; then seed_device=$device seed_type=vfat && return 0; fi
        done
    done
    return 1
}
tries=0
until find_seed || [ $tries -ge 40 ]; do
    tries=$((tries + 1))
    usleep 50000
done
if [ "$seed_device" ]; then
    if [ $seed_type = iso9660 ]; then modules="cdrom isofs"; else modules="fat nls_cp437 nls_ascii vfat"; fi
    for module in $modules; do [ -e /lib/modules/$module.ko ] && insmod /lib/modules/$module.ko; done
    mount -t $seed_type -o ro "$seed_device" "$seed"
else
    say "no seed was found: nobody can log in"
fi

# --- The disk: made into a file system at the first start, so that files and host keys outlive a restart.
for path in /sys/block/vd*; do
    [ -e "$path" ] && [ "/dev/${path##*/}" != "$seed_device" ] && disk=/dev/${path##*/} && break
done
if [ "$disk" ]; then
    if ! mount -t ext4 -o noatime "$disk" /root 2>/dev/null; then
        # Only an empty disk is made into a file system; one that does not mount is left for its owner to look at.
        if [ -z "$(dd if="$disk" bs=4096 count=16 2>/dev/null | tr -d '\000' | head -c 1)" ]; then
            /sbin/mke2fs -q -t ext4 -L root -m 0 -J size=32 -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 "$disk" &&
                mount -t ext4 -o noatime "$disk" /root
        fi
    fi
    mounted=$(awk -v d="$disk" '$1 == d { print $2 }' /proc/mounts)
    [ "$mounted" ] && /sbin/resize2fs "$disk" >/dev/null 2>&1
    [ "$mounted" ] || say "the disk $disk could not be mounted: files are lost at power off"
fi

# --- The host key: this guest's own, made once.
mkdir -p /root/.ssh /var/log
host_key=/root/.ssh/host_key
[ -s $host_key ] || dropbearkey -t ed25519 -f $host_key >/dev/null 2>&1

# --- Root: no password.
echo 'root:x:0:0:root:/root:/bin/sh' >/etc/passwd
echo 'root:*:19000:0:99999:7:::' >/etc/shadow
echo 'root:x:0:' >/etc/group
echo /bin/sh >/etc/shells
chmod 600 /etc/shadow
chown 0:0 /root /root/.ssh
chmod 700 /root /root/.ssh

# --- What the seed says, here for the first time: a guest that is booted ahead stands still until it is told. Few programs
# from here on, since each takes a while on an emulated processor.
#
# YAML, as much as seeds have of it: one "key: value" a line, whether in block or in flow (JSON) style.
name= mac= gateway= addresses= nameservers= after_nameservers= interface= files=
cd "$seed"
for file in meta-data network-config; do if [ -e $file ]; then files="$files $file"; fi; done
awk '{
        gsub(/["\047\r]/, "")
        count = split($0, items, /[][{},]/)
        for (i = 1; i <= count; i++) {
            item = items[i]
            sub(/^[ -]+/, "", item)
            sub(/ +$/, "", item)
            if (item ~ /^macaddress:/) item = tolower(item)
            if (item != "" && item !~ /^#/) print FILENAME, item
        }
    }' $files </dev/null >/run/seed
while read -r file item; do
    value=${item#*: }
    case $file/$item in
        meta-data/local-hostname:*) name=${name:-$value} ;;
        network-config/macaddress:*) mac=${mac:-$value} ;;
        network-config/gateway4:*) gateway=$value ;;
        network-config/via:*) gateway=${gateway:-$value} ;;
        network-config/nameservers:*) after_nameservers=1 ;;
        network-config/*[!0-9./]*) ;;
        network-config/[0-9]*.*.*.*/[0-9]*) addresses="$addresses $item" ;;
        network-config/[0-9]*.*.*.*) if [ "$after_nameservers" ]; then nameservers="$nameservers $item"; fi ;;
    esac
done </run/seed
cd /

[ "$name" ] || name=$(sed -n 's/^hostname: *//p' "$seed/user-data" 2>/dev/null | tr -d "\"'\r" | head -n 1)
name=${name:-tiny} names=$name
# The kernel takes 64 characters (hostname(7)); a longer name goes by its first part.
if [ ${#name} -gt 64 ]; then
    name=$(printf %.64s "${name%%.*}")
    names="$name $names"
fi
hostname "$name"
echo "$name" >/etc/hostname
printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$names" >/etc/hosts
# The clock stood still too.
hwclock -u -s 2>/dev/null

# --- The network (network-config, version 2): static addresses, or DHCP. A card that is plugged in late may be on its way.
find_interface() {
    for path in /sys/class/net/*; do
        [ "${path##*/}" = lo ] && continue
        read -r address <"$path/address"
        if [ -z "$mac" ] || [ "$address" = "$mac" ]; then interface=${path##*/} && return 0; fi
    done
    return 1
}
tries=0
until find_interface || [ $tries -ge 100 ]; do
    tries=$((tries + 1))
    usleep 20000
done
for address in $nameservers; do echo "nameserver $address"; done >/etc/resolv.conf
if [ "$interface" ]; then
    ip link set "$interface" up
    if [ "$addresses" ]; then
        for address in $addresses; do ip addr add "$address" broadcast + dev "$interface"; done
        if [ "$gateway" ]; then ip route add default via "$gateway" dev "$interface" onlink; fi
    else
        udhcpc -i "$interface" -n -q -t 8 -T 1 -s /lib/udhcpc.sh >/dev/null 2>&1
    fi
fi

# --- The seed's keys alone. A line that does not begin with a key's type (options before it would narrow what the key may
# do) is not taken over.
keys() {
    awk '
        function key(item) {
            if (item ~ /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp[0-9]+|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) +[A-Za-z0-9+\/=]+/)
                print item
        }
        # Takes the items of a list off the front of the text and returns what follows the list on its line.
        function items(text, quote, end) {
            while (1) {
                if (text ~ /^ *\[/) flow = 1
                sub(/^[[ ,-]+/, "", text)
                quote = substr(text, 1, 1)
                if (quote == "") return ""
                if (quote == "]") { inside = 0; return substr(text, 2) }
                if (quote == "\"" || quote == "\047") {
                    text = substr(text, 2)
                    end = index(text, quote)
                } else end = flow ? match(text, /[],]/) : 0
                if (!end) { key(text); return "" }
                key(substr(text, 1, end - 1))
                text = substr(text, substr(text, end, 1) == "]" ? end : end + 1)
            }
        }
        { gsub(/\r/, "") }
        inside && !flow && /^[ -]*["\047]?[A-Za-z_][A-Za-z0-9_-]*["\047]?:( |$)/ { inside = 0 }
        {
            rest = $0
            while (rest != "") {
                if (!inside) {
                    if (!match(rest, /ssh[_-]authorized[_-]keys["\047]?:/)) next
                    rest = substr(rest, RSTART + RLENGTH)
                    inside = 1
                    flow = 0
                }
                rest = items(rest)
            }
        }' "$seed/user-data" 2>/dev/null
}
umask 077
keys >/root/.ssh/authorized_keys
umask 022

# --- The owner's script: the part in base64 of the user data (MachineSeed), if it begins with #!. It runs once in the
# guest's life, beside the SSH server, as cloud-init runs it; other formats are for full guests.
run_once=
if grep -q '^Content-Transfer-Encoding: base64' "$seed/user-data" 2>/dev/null; then
    tr -d '\r' <"$seed/user-data" | awk '
        inside && /^--/ { exit }
        inside { print }
        found && /^$/ { inside = 1 }
        /^Content-Transfer-Encoding: base64$/ { found = 1 }' | base64 -d >/run/user-data
    chmod 700 /run/user-data
    if [ "$(head -c 2 /run/user-data)" = '#!' ] && [ ! -e /root/.user-data-ran ]; then
        : >/root/.user-data-ran
        run_once='::once:/run/user-data >/var/log/cloud-init-output.log 2>&1'
    fi
fi

umount "$seed" 2>/dev/null

cat >/etc/inittab <<END
::respawn:/usr/sbin/dropbear -F -s -r $host_key -p 22 -P /run/dropbear.pid
::respawn:/bin/acpid -f -l /dev/null
$run_once
::ctrlaltdel:/bin/reboot
::shutdown:/bin/sync
::shutdown:/bin/umount -r /root
END
say "READY $name $(ip -4 -o addr show dev "$interface" | awk '{ print $4 }')"
exec /bin/busybox init
