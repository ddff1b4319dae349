#!/usr/bin/env bash
# rpi-setup.sh: make a Raspberry Pi (or another Debian) a telemetry agent, bring it up to date, or take it off again.
# Whatever it does can be done again: what is right already stays as it is. --help lists the options.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
# shellcheck source=edge_agent/pi/setup-lib.sh
. "$here/setup-lib.sh"

usage() {
    cat <<'HELP'
Usage: rpi-setup.sh [install | rollback | uninstall] [OPTIONS]

  install            put the agent, its service and the CAN adapter in place, or bring them up to date (default)
  rollback           go back to the release before the last install
  uninstall          take everything off but settings and frames; --purge takes those, too

  --hat-type NAME    waveshare, seeed-2ch, innomaker, or a .hat file; without it CAN is left as it is
  --bitrate N        bits per second of the bus (500000)
  --canfd            the bus is CAN FD
  --data-bitrate N   bits per second of its data phase (2000000)
  --oscillator HZ    the adapter's crystal, where it is not the one in its .hat file
  --interrupt GPIO   its interrupt pin, likewise
  --vehicle ID       the vehicle, for a settings file that is not there yet (the host's name)
  --lake URL         where raw objects go, likewise (a folder under /var/lib/telemetry-agent)
  --from SOURCE      a wheel, a source tree, or a version to take from the index (the tree of this script)
  --extras LIST      the package's extras to install (edge; edge,aws if the lake is s3://)
  --no-start         enable the service, but do not start it
  --root DIR         install into DIR, such as a mounted image of this machine's kind; nothing is started
  --dry-run          say what would be done
  --purge            uninstall: settings and frames, too
HELP
}

verb=install root='' dry='' start=yes purge='' hat='' bitrate=500000 fd='' data_bitrate=2000000
oscillator='' interrupt='' vehicle='' lake='' from='' extras=''
case "${1:-}" in install | rollback | uninstall) verb=$1; shift ;; esac
while [ $# -gt 0 ]; do
    case "$1" in
        --canfd) fd=yes ;;
        --no-start) start='' ;;
        --dry-run) dry=yes ;;
        --purge) purge=yes ;;
        -h | --help) usage; exit 0 ;;
        --hat-type | --bitrate | --data-bitrate | --oscillator | --interrupt | --vehicle | --lake | --from | --extras | --root)
            [ $# -ge 2 ] || fail "$1 needs a value" "rpi-setup.sh --help"
            case "$1" in
                --hat-type) hat=$2 ;; --bitrate) bitrate=$2 ;; --data-bitrate) data_bitrate=$2 ;;
                --oscillator) oscillator=$2 ;; --interrupt) interrupt=$2 ;; --vehicle) vehicle=$2 ;;
                --lake) lake=$2 ;; --from) from=$2 ;; --extras) extras=$2 ;; --root) root=${2%/} ;;
            esac
            shift ;;
        *) fail "there is no option $1" "rpi-setup.sh --help" ;;
    esac
    shift
done
for number in "$bitrate" "$data_bitrate" "${oscillator:-1}" "${interrupt:-1}"; do
    [[ $number =~ ^[0-9]+$ ]] || fail "$number is no number" "write digits only, such as --bitrate 500000"
done
if ((bitrate < 10000 || bitrate > 1000000)); then
    fail "no CAN bus has $bitrate bit/s" "cars mostly have 500000, trucks 250000 or 500000"
fi
if [ -n "$vehicle" ] && ! [[ $vehicle =~ ^[A-Za-z0-9_-]{1,64}$ ]]; then
    fail "'$vehicle' is no vehicle id" "use up to 64 letters, digits, _ and -"
fi
if [ -n "$lake" ] && ! [[ $lake =~ ^(file:///|s3://)[^\"\\\&\|]+$ ]]; then
    fail "'$lake' is no lake" "use file:///absolute/path or s3://bucket/prefix, without quotes, \\, & and |"
fi
[ -z "$root" ] || [ -d "$root" ] || fail "there is no folder $root" "mount the image, or make the folder"
if [ -z "$root$dry" ] && [ "$(id -u)" != 0 ]; then fail "only root may do this" "put sudo before it, or try --dry-run"; fi

read_hat() {
    [ -n "$hat" ] || return 0
    local file=$hat key value
    [[ $file == */* ]] || file=$here/hats/$hat.hat
    [ -f "$file" ] || fail "there is no adapter '$hat'" "known: $(cd "$here/hats" && printf '%s ' *.hat | sed 's/\.hat//g'), or name a .hat file"
    while read -r key value; do
        case "$key" in
            '' | '#'*) ;;
            oscillator) oscillator=${oscillator:-$value} ;;
            interrupt) interrupt=${interrupt:-$value} ;;
            boot) boot+=("$value") ;;
            channel) channels+=("$value") ;;
            title) title=$value ;;
            fd) can_fd=$value ;;
            chip | driver) ;;
            *) fail "$file: there is no '$key'" "see the .hat files in $here/hats" ;;
        esac
    done <"$file"
    [ ${#channels[@]} -gt 0 ] || fail "$file names no channel" "add a line: channel can0"
    if [ -n "$fd" ] && [ "$can_fd" != yes ]; then fail "the $title has no CAN FD" "leave --canfd out, or use another adapter"; fi
    local line
    for line in "${!boot[@]}"; do
        boot[line]=${boot[line]//\{oscillator\}/$oscillator}
        boot[line]=${boot[line]//\{interrupt\}/$interrupt}
    done
}

boot_file() {
    local file
    for file in /boot/firmware/config.txt /boot/config.txt; do
        if [ -f "$root$file" ]; then echo "$file"; return; fi
    done
}

set_boot() { # the lines of the boot loader, in a block of their own that a second run finds again
    local file line name
    file=$(boot_file)
    if [ -z "$file" ]; then
        if [ ${#boot[@]} -gt 0 ]; then
            say "there is no config.txt: this is no Raspberry Pi, and its boot loader is left alone"
        fi
        return
    fi
    local rest
    rest=$(sed '/^# telemetry-agent: begin/,/^# telemetry-agent: end/d' "$root$file")
    for line in "${boot[@]}"; do
        case "$line" in dtoverlay=*) name=${line%%,*} ;; *) continue ;; esac
        if grep -Eq "^ *$name(,|$)" <<<"$rest"; then
            fail "$file loads ${name#dtoverlay=} already: $(grep -En "^ *$name(,|$)" <<<"$rest" | head -1)" \
                "put a # before that line; this script writes its own"
        fi
    done
    {
        printf '%s\n' "$rest"
        if [ ${#boot[@]} -gt 0 ]; then
            # what is above may be for one model alone
            printf '%s\n' "# telemetry-agent: begin ($title)" '[all]' "${boot[@]}" '# telemetry-agent: end'
        fi
    } | put '' "$file" .before-telemetry-agent
}

set_channels() { # systemd-networkd brings each channel up whenever it appears, and it never sends
    local channel name place path
    for path in "$root"/etc/systemd/network/60-telemetry-*; do
        name=${path##*/60-telemetry-}
        printf '%s\n' "${channels[@]%% *}" | grep -qx "${name%.*}" || remove "${path#"$root"}"
    done
    for channel in "${channels[@]}"; do
        read -r name place <<<"$channel"
        if [ -n "$place" ]; then
            printf '%s\n' "# $title" '[Match]' "Path=$place" 'Type=can' '' '[Link]' "Name=$name" |
                put 644 "/etc/systemd/network/60-telemetry-$name.link"
        fi
        {
            printf '%s\n' "# $title: listens, and neither acknowledges nor sends" \
                '[Match]' "Name=$name" '' '[Link]' 'RequiredForOnline=no' '' \
                '[CAN]' "BitRate=$bitrate" 'ListenOnly=yes'
            if [ -n "$fd" ]; then printf '%s\n' 'FDMode=yes' "DataBitRate=$data_bitrate"; fi
        } | put 644 "/etc/systemd/network/60-telemetry-$name.network"
    done
}

set_settings() {
    local names='' channel
    for channel in "${channels[@]}"; do names+=,${channel%% *}; done
    names=${names#,}
    vehicle=${vehicle:-$(host_name)}
    if [ -e "$root/etc/telemetry-agent/config.yaml" ]; then
        say "kept      /etc/telemetry-agent/config.yaml"
        if [ -n "$names" ] && ! grep -Eq "^channel: *\"?$names\"?" "$root/etc/telemetry-agent/config.yaml"; then
            say "          its channel is not the adapter's: channel: \"$names\""
        fi
    else
        sed -e "s|{vehicle}|$vehicle|" -e "s|{lake}|${lake:-file:///var/lib/telemetry-agent/lake}|" \
            -e "s|{channel}|${names:-can0}|" "$here/config.yaml" | put 640 /etc/telemetry-agent/config.yaml
    fi
    if [ -e "$root/etc/telemetry-agent/environment" ]; then say "kept      /etc/telemetry-agent/environment"; else
        put 640 /etc/telemetry-agent/environment <"$here/environment"
    fi
    give_to_agent /etc/telemetry-agent /etc/telemetry-agent/config.yaml /etc/telemetry-agent/environment
}

install_all() {
    read_hat
    if [ -n "$hat" ]; then set_boot; fi
    if [ -z "$root" ]; then need_packages; fi
    put 644 /usr/lib/sysusers.d/telemetry-agent.conf <"$here/sysusers.conf"
    act mkdir -p "$root/etc"
    act systemd-sysusers --root="${root:-/}" telemetry-agent.conf
    set_settings
    put 644 /etc/sysctl.d/60-telemetry-agent.conf <"$here/sysctl.conf"
    if [ -n "$hat" ]; then set_channels; fi
    put 644 /etc/systemd/system/telemetry-agent.service <"$here/../systemd/telemetry-agent.service"
    install_release
    enable_services
    if [ -n "$root" ]; then say "done: $root will run the agent when it is booted"; return; fi
    # a chroot is not the machine whose kernel this is
    if [ -d /run/systemd/system ]; then act sysctl -q -p /etc/sysctl.d/60-telemetry-agent.conf; fi
    try_out
    say "done. Settings: /etc/telemetry-agent/config.yaml; what it does: journalctl -fu telemetry-agent"
    if [ ${#boot[@]} -gt 0 ] && [ ! -d "/sys/class/net/${channels[0]%% *}" ]; then
        say "The boot loader knows the $title after a reboot: sudo reboot"
    fi
}

boot=() channels=() title='' can_fd=no
case "$verb" in
    install) install_all ;;
    rollback) roll_back ;;
    uninstall) uninstall_all ;;
esac
