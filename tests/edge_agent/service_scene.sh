#!/bin/bash
# service_scene.sh: what becomes of the agent's service, as the installer sets it up, under a real systemd; each line
# says what was seen. Run in a guest by `python -m tests.edge_agent.service`, never on a machine that matters.
set -euo pipefail
trap 'journalctl -u telemetry-agent -o cat --no-pager | tail -n 60' EXIT

see() { # NAME COMMAND…
    local name=$1
    shift
    if "$@" >/tmp/seen 2>&1; then echo "pass $name"; else
        echo "FAIL $name: $(cat /tmp/seen)"
        exit 1
    fi
}
state() { systemctl show telemetry-agent -p "$1" --value; }
await() { # SECONDS COMMAND…: the condition becomes true in time
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        if ((SECONDS > end)); then return 1; fi
        sleep 0.2
    done
}
setup() {
    PIP_NO_INDEX=1 PIP_NO_DEPS=1 PYTHON=$(echo /opt/python/bin/python3.??) PYTHONPATH=/opt/deps \
        /opt/agent/pi/rpi-setup.sh "$@"
}
runs_anew() { [ "$(state MainPID)" != "$1" ] && [ "$(state ActiveState)" = active ]; }
says() { journalctl -u telemetry-agent -o cat --no-pager | grep -q "$1"; }
never_says() { ! journalctl -u telemetry-agent -o cat --no-pager | grep -E "$1"; }
kernel_listens() { grep -q "^ *vcan0 " /proc/net/can/rcvlist_all; }
landed() { [ "$(find /var/lib/telemetry-agent/lake/raw -name '*_raw.parquet' | wc -l)" -gt "$1" ]; }
no_complaint_of_networkd() { ! journalctl -u systemd-networkd -o cat --no-pager | grep -iE 'unknown|invalid|failed to parse'; }
hears() { cangen vcan0 -n 200 -g 1 && await 60 landed "$1"; }

# settings first, as somebody who moves a card from one Pi to the next has them
mkdir -p /etc/telemetry-agent
cat >/etc/telemetry-agent/config.yaml <<'YAML'
vehicle_id: SCENE
lake: file:///var/lib/telemetry-agent/lake
channel: "vcan0,vcan1"
window_seconds: 1
health_seconds: 1
clock_wait_seconds: 0
YAML
printf "PYTHONPATH=/opt/deps\nLD_LIBRARY_PATH=/opt/python/lib\n" >/etc/telemetry-agent/environment
see installs setup --from /opt/wheel/*.whl --hat-type seeed-2ch --no-start
see enabled systemctl is-enabled telemetry-agent
see networkd_takes_its_files no_complaint_of_networkd
see starts_and_says_it_is_ready systemctl start telemetry-agent
see runs_as_its_user [ "$(stat -c %U "/proc/$(state MainPID)")" = telemetry-agent ]
see has_no_capability grep -q 'CapEff:.0000000000000000' "/proc/$(state MainPID)/status"
see listens await 60 kernel_listens
see frames_land hears 0
see is_given_the_buffer never_says "the kernel keeps only"
says_how_it_goes() { [[ $(state StatusText) == *frames/s* ]]; }
see says_how_it_goes await 60 says_how_it_goes
pid=$(state MainPID)
kill -9 "$pid"
see is_started_again_after_a_kill await 60 runs_anew "$pid"
see goes_on_after_a_kill hears "$(find /var/lib/telemetry-agent/lake/raw -name '*.parquet' | wc -l)"
# the same unit with less patience
mkdir -p /run/systemd/system/telemetry-agent.service.d
printf '[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\n' >/run/systemd/system/telemetry-agent.service.d/patience.conf
systemctl daemon-reload
systemctl restart telemetry-agent
pid=$(state MainPID)
kill -STOP "$pid"
see is_killed_when_it_hangs await 120 runs_anew "$pid"
see stops_when_told systemctl stop telemetry-agent
see stopped_well [ "$(state Result)" = success ]
see took_nothing_with_it says "0 wait for the next start, 0 frames lost"
see was_never_refused_a_call never_says "not permitted|Traceback"
ip link delete vcan0
see starts_without_a_bus systemctl start telemetry-agent
ip link add dev vcan0 type vcan
ip link set vcan0 up
see hears_a_bus_that_comes_later await 90 kernel_listens
see is_taken_off setup uninstall --purge
see nothing_is_left [ ! -e /etc/telemetry-agent ]
