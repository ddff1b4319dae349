#!/usr/bin/env bash
# can-diagnostics.sh: look at everything between the bus and the lake, each thing passed or FAILED with what to do about it.
# --bundle FILE.tar.gz writes what somebody who helps would ask for, without credentials. It only listens.
set -euo pipefail

root='' bundle='' config='' seconds=3
while [ $# -gt 0 ]; do
    case "$1" in
        --bundle | --config | --root | --seconds)
            [ $# -ge 2 ] || { echo "can-diagnostics: $1 needs a value" >&2; exit 2; }
            case "$1" in --bundle) bundle=$2 ;; --config) config=$2 ;; --root) root=${2%/} ;; --seconds) seconds=$2 ;; esac
            shift ;;
        -h | --help)
            echo "Usage: can-diagnostics.sh [--bundle FILE.tar.gz] [--config FILE: the agent's settings]"
            echo "       [--seconds N: how long to listen (3)] [--root DIR: look at the files of a system that does not run]"
            exit 0 ;;
        *) echo "can-diagnostics: there is no option $1" >&2; exit 2 ;;
    esac
    shift
done
config=${config:-$root/etc/telemetry-agent/config.yaml}
failed=0 passed=0

have() { command -v "$1" >/dev/null 2>&1; }
pass() { passed=$((passed + 1)); printf 'pass  %-10s %s\n' "$1" "$2"; }
note() { printf 'note  %-10s %s\n' "$1" "$2"; }
bad() { # NAME WHAT REMEDY
    failed=$((failed + 1))
    printf 'FAIL  %-10s %s\n                 %s\n' "$1" "$2" "$3"
}

setting() { # NAME: a setting of the agent's file
    sed -nE "s/^$1: *\"?([^\"#]*[^\"# ])\"? *(#.*)?\$/\1/p" "$config" 2>/dev/null | head -1
}

redact() { # standard input without what opens a door
    sed -E \
        -e '/-----BEGIN [A-Z ]*-----/,/-----END [A-Z ]*-----/c [removed]' \
        -e 's/\b(AKIA|ASIA)[A-Z0-9]{16}\b/[removed]/g' \
        -e 's#(://)[^/@[:space:]]+@#\1[removed]@#g' \
        -e 's/(X-Amz-[A-Za-z-]+=)[^&[:space:]]+/\1[removed]/g' \
        -e 's/\b(Bearer|Basic|AWS4-HMAC-SHA256) .*/\1 [removed]/g' \
        -e 's/([A-Za-z_-]*(secret|token|passw|passphrase|psk|access_?key|private_?key|credential)[A-Za-z_-]*["'\'']?[[:space:]]*[:=][[:space:]]*).+/\1[removed]/Ig' \
        -e 's#(^|[^A-Za-z0-9/+])[A-Za-z0-9/+]{40}($|[^A-Za-z0-9/+=])#\1[removed]\2#g'
}

look_at_machine() {
    local model power version
    model="no Raspberry Pi"
    if [ -f /proc/device-tree/model ]; then model=$(tr -d '\0' </proc/device-tree/model); fi
    # shellcheck disable=SC1091
    version=$(. "$root/etc/os-release" 2>/dev/null && echo "$PRETTY_NAME" || echo "unknown system")
    note machine "$model, $version, Linux $(uname -r) on $(uname -m)"
    if have vcgencmd; then
        power=$(vcgencmd get_throttled 2>/dev/null | cut -d= -f2)
        if [ $((${power:-0} & 0x10001)) = 0 ]; then pass power "no undervoltage since the start"; else
            bad power "undervoltage (get_throttled=$power)" "a supply of 5.1 V that gives 3 A, thick and short wires: docs/guides/wiring.md"
        fi
    fi
    local free
    free=$(df -Pm "$root/" 2>/dev/null | awk 'NR == 2 { print $4 }')
    if [ "${free:-0}" -ge 500 ]; then pass disk "$free MB are free"; else
        bad disk "only ${free:-0} MB are free" "make room: frames of hours without a network wait there"
    fi
    if have timedatectl && [ -z "$root" ]; then
        if [ "$(timedatectl show -p NTPSynchronized --value 2>/dev/null)" = yes ]; then pass clock "synchronized"; else
            note clock "not synchronized: frames are dated when it is (see Clock in docs/edge.md)"
        fi
    fi
    local most
    most=$(cat /proc/sys/net/core/rmem_max)
    if [ "$most" -ge 8388608 ]; then pass buffer "the kernel may keep $((most / 1000)) kB of frames"; else
        bad buffer "the kernel keeps only $((most / 1000)) kB: frames are lost when the Pi is busy" "sysctl -w net.core.rmem_max=8388608 (rpi-setup.sh does it for good)"
    fi
}

look_at_boot() {
    local file
    for file in "$root/boot/firmware/config.txt" "$root/boot/config.txt"; do
        [ -f "$file" ] || continue
        if grep -Eq '^ *dtoverlay=(mcp2515|mcp251xfd|seeed-can|waveshare-can|2xMCP)' "$file"; then
            pass boot "$(grep -E '^ *dtoverlay=.*(mcp25|can)' "$file" | tr '\n' ' ')"
        else
            note boot "${file#"$root"} loads no CAN adapter: right for a USB adapter, else rpi-setup.sh --hat-type …"
        fi
        return
    done
}

look_at_channel() { # NAME
    local name=$1 about before after errors
    if [ ! -d "/sys/class/net/$name" ]; then
        bad "$name" "there is no such interface" "plug the adapter in; after rpi-setup.sh --hat-type … reboot; then: dmesg | grep -iE 'mcp25|gs_usb|can'"
        return
    fi
    about=$(ip -details -statistics link show "$name")
    if ! grep -q '[<,]UP[,>]' <<<"$about"; then
        bad "$name" "it is down" "networkctl status $name says why; an adapter that cannot only listen stays down on purpose"
        return
    fi
    if grep -q 'link/can.*' <<<"$about" && grep -q '^ *vcan' <<<"$about"; then note "$name" "is virtual: a test bus of this machine"
    elif grep -q 'LISTEN-ONLY' <<<"$about"; then pass "$name" "only listens"; else
        bad "$name" "it acknowledges frames and can disturb the bus" "ip link set $name down; ip link set $name up type can bitrate … listen-only on (rpi-setup.sh does it for good)"
    fi
    if grep -q 'bitrate' <<<"$about"; then
        note "$name" "$(grep -oE 'bitrate [0-9]+ sample-point [0-9.]+|dbitrate [0-9]+' <<<"$about" | tr '\n' ' ')"
    fi
    before=$(cat "/sys/class/net/$name/statistics/rx_packets")
    errors=$(cat "/sys/class/net/$name/statistics/rx_errors")
    sleep "$seconds"
    after=$(($(cat "/sys/class/net/$name/statistics/rx_packets") - before))
    errors=$(($(cat "/sys/class/net/$name/statistics/rx_errors") - errors))
    if [ "$after" -gt 0 ] && [ "$errors" = 0 ]; then pass "$name" "$after frames in $seconds s"
    elif [ "$errors" -gt 0 ]; then
        bad "$name" "$errors errors and $after frames in $seconds s" "another bitrate (250000 for trucks), the wrong --oscillator, or H and L swapped: docs/guides/bench-test.md"
    else
        bad "$name" "no frame in $seconds s" "ignition on? measure 60 ohm between H and L with everything off: docs/guides/wiring.md"
    fi
}

look_at_service() {
    if [ -n "$root" ] || ! have systemctl || [ ! -d /run/systemd/system ]; then note service "systemd does not run here"; return; fi
    if systemctl is-active -q telemetry-agent; then
        pass service "runs, started again $(systemctl show -p NRestarts --value telemetry-agent) times. $(systemctl show -p StatusText --value telemetry-agent)"
    else bad service "telemetry-agent does not run" "journalctl -u telemetry-agent -n 50; systemctl start telemetry-agent"; fi
}

check_agent() { # what edge-agent itself thinks of its settings, its spool and its lake
    local agent=/opt/can-telemetry/bin/edge-agent
    if [ -n "$root" ]; then note agent "not tried: its folders are another system's"; return; fi
    if [ ! -x "$agent" ]; then agent=$(command -v edge-agent || true); fi
    if [ -z "$agent" ]; then bad agent "edge-agent is not installed" "rpi-setup.sh"; return; fi
    if [ ! -r "$config" ]; then bad agent "${config#"$root"} cannot be read" "put sudo before it; if it is missing: rpi-setup.sh"; return; fi
    if have systemctl && systemctl is-active -q telemetry-agent 2>/dev/null; then
        note agent "it runs and holds its spool; what it says: journalctl -u telemetry-agent"
        return
    fi
    local said
    # shellcheck disable=SC1091
    said=$(set -a; [ ! -r /etc/telemetry-agent/environment ] || . /etc/telemetry-agent/environment
        timeout 120 "$agent" --config "$config" --check 2>&1) || true
    printf '%s\n' "$said" | redact
    failed=$((failed + $(grep -c '^FAIL' <<<"$said" || true)))
    passed=$((passed + $(grep -c '^pass' <<<"$said" || true)))
    if ! grep -q '^\(pass\|FAIL\)' <<<"$said"; then bad agent "--check did not run" "what it said is above"; fi
}

look() {
    local channels name
    look_at_machine
    look_at_boot
    channels=$(setting channel)
    for name in ${channels//,/ }; do look_at_channel "$name"; done
    look_at_service
    check_agent
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" = 0 ]
}

collect() { # FILE COMMAND…: what a command says, redacted; that it cannot be run is said, too
    local file=$1
    shift
    { printf '$ %s\n' "$*"; "$@" 2>&1 || true; echo; } | redact >>"$folder/$file"
}

write_bundle() {
    local file
    work=$(mktemp -d)
    folder=$work/telemetry-agent-diagnostics
    mkdir "$folder"
    trap 'rm -rf "$work"' EXIT
    # a pipe would lose the verdict
    look >"$folder/checks.said" || true
    redact <"$folder/checks.said" >"$folder/checks.txt"
    rm "$folder/checks.said"
    cat "$folder/checks.txt"
    collect system.txt cat "$root/etc/os-release"
    collect system.txt uname -a
    collect system.txt df -h
    collect system.txt free -m
    collect system.txt uptime
    collect can.txt ip -details -statistics link
    collect can.txt sh -c 'dmesg | grep -iE "can|spi|mcp25|gs_usb|voltage" | tail -n 200'
    for file in "$root"/boot/firmware/config.txt "$root"/boot/config.txt "$root"/etc/systemd/network/60-telemetry-*; do
        if [ -f "$file" ]; then collect settings.txt cat "$file"; fi
    done
    if [ -r "$config" ]; then collect settings.txt cat "$config"; fi
    if [ -r "$root/etc/telemetry-agent/environment" ]; then
        # names alone, of what is commented out, too
        collect settings.txt sed -E 's/=.*/=[removed]/' "$root/etc/telemetry-agent/environment"
    fi
    collect agent.txt readlink "$root/opt/can-telemetry"
    collect agent.txt "$root/opt/can-telemetry/bin/python" -I -m pip list --disable-pip-version-check
    file=$(setting spool)
    collect agent.txt ls -la "$root${file:-/var/lib/telemetry-agent/spool}"
    if [ -z "$root" ] && have journalctl; then
        collect service.txt systemctl status --no-pager -n 0 telemetry-agent
        collect service.txt journalctl --no-pager -u telemetry-agent -n 2000
    elif [ -f "$root/var/log/telemetry-agent.log" ]; then collect service.txt cat "$root/var/log/telemetry-agent.log"; fi
    (umask 077 && tar -C "$work" -czf "$bundle" telemetry-agent-diagnostics)
    echo "$bundle: look it through before you send it; vehicle ids and addresses of your lake are in it"
}

if [ -n "$bundle" ]; then write_bundle; else look; fi
