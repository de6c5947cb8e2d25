#!/bin/sh
# wget with -T SECONDS, for a busybox whose own was built without and crashes: ends a download from which nothing has come
# for that long. All other options are busybox's.
seconds='' next=''
for argument; do
    shift
    if [ "$next" ]; then
        seconds=$argument next=''
        continue
    fi
    case $argument in
        --timeout) next=1 ;;
        --timeout=*) seconds=${argument#*=} ;;
        -T | -[cqS]T | -[cqS][cqS]T)
            next=1
            argument=${argument%T}
            if [ "$argument" != - ]; then set -- "$@" "$argument"; fi
            ;;
        -T[0-9]*) seconds=${argument#-T} ;;
        -[cqS]T[0-9]* | -[cqS][cqS]T[0-9]*)
            seconds=${argument#*T}
            set -- "$@" "${argument%%T*}"
            ;;
        *) set -- "$@" "$argument" ;;
    esac
done
case $next$seconds in
    '' | 0) exec busybox wgew "$@" ;;
    *[!0-9]*) echo "wget: invalid number '$seconds'" >&2 && exit 1 ;;
esac
if [ "$next" ]; then echo "wget: option requires an argument -- T" >&2 && exit 1; fi

busybox wgew "$@" &
download=$!
trap 'kill $download $watch 2>/dev/null; exit 143' INT TERM HUP
# The bytes that the process has read, from the network and elsewhere, ten times a second.
(
    still=0 before=''
    while [ $still -lt $((seconds * 10)) ]; do
        usleep 100000
        read -r _ now 2>/dev/null <"/proc/$download/io" || exit
        still=$((still + 1))
        if [ "$now" != "$before" ]; then still=0 before=$now; fi
    done
    echo "wget: download timed out" >&2
    kill "$download"
) &
watch=$!
wait $download 2>/dev/null
code=$?
kill $watch 2>/dev/null
[ $code -lt 128 ] || code=1
exit $code
