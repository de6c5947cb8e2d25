#!/bin/sh
# Lists the block devices as lsblk does, out of /sys and /proc/mounts. -b gives sizes in bytes.
human() {
    [ "$bytes" ] && echo "$1" && return
    awk -v n="$1" 'BEGIN { split("B K M G T", unit, " "); i = 1; while (n >= 1024 && i < 5) { n /= 1024; i++ }
        printf (n == int(n) ? "%d%s\n" : "%.1f%s\n"), n, unit[i] }'
}
mounted() { awk -v d="/dev/$1" '$1 == d { print $2; exit }' /proc/mounts; }
row() { printf '%-12s %-7s %2s %8s %2s %-4s %s\n' "$@"; }
device() { # sysfs folder, name to show, type
    local name=${1##*/}
    row "$2" "$(cat "$1/dev")" "$(cat "$1/removable" 2>/dev/null || echo 0)" "$(human $(($(cat "$1/size") * 512)))" \
        "$(cat "$1/ro")" "$3" "$(mounted "$name")"
}
[ "$1" = -b ] && bytes=yes
row NAME MAJ:MIN RM SIZE RO TYPE MOUNTPOINTS
for disk in /sys/block/*; do
    name=${disk##*/}
    case $name in loop* | ram*) continue ;; sr*) type=rom ;; *) type=disk ;; esac
    device "$disk" "$name" "$type"
    for part in "$disk/$name"*; do [ -e "$part/partition" ] && device "$part" "|-${part##*/}" part; done
done
exit 0
