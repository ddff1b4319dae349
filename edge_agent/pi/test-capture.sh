#!/usr/bin/env bash
# test-capture.sh: without an adapter and without a car: a virtual bus, a simulated drive sent over it by can-utils, an
# agent that listens, and every frame compared with what has landed. Nothing of an agent that is set up is touched.
set -euo pipefail

bus=vcan0 seconds=5
while [ $# -gt 0 ]; do
    case "$1" in
        --bus | --seconds)
            [ $# -ge 2 ] || { echo "test-capture: $1 needs a value" >&2; exit 2; }
            case "$1" in --bus) bus=$2 ;; --seconds) seconds=$2 ;; esac
            shift ;;
        -h | --help)
            echo "Usage: test-capture.sh [--bus NAME (vcan0; made if it is not there)] [--seconds N: of driving (5)]"
            exit 0 ;;
        *) echo "test-capture: there is no option $1" >&2; exit 2 ;;
    esac
    shift
done
fail() { printf 'FAIL  %s\n      %s\n' "$1" "$2" >&2; exit 1; }

bin=/opt/can-telemetry/bin
if [ ! -x "$bin/edge-agent" ]; then bin=$(dirname "$(command -v edge-agent || echo missing/x)"); fi
bin=${BIN:-$bin}
[ -x "$bin/edge-agent" ] || fail "edge-agent is not installed" "rpi-setup.sh, or say where: BIN=/path/to/bin test-capture.sh"
command -v canplayer >/dev/null || fail "can-utils is not installed" "sudo apt-get install can-utils"
ip=$(command -v ip || echo /sbin/ip)

made='' agent='' work=$(mktemp -d)
finish() {
    if [ -n "$agent" ]; then kill "$agent" 2>/dev/null || true; fi
    if [ -n "$made" ]; then "$ip" link delete "$bus" || true; fi
    rm -rf "$work"
}
trap finish EXIT

if [ ! -d "/sys/class/net/$bus" ]; then
    if ! "$ip" link add dev "$bus" type vcan 2>/dev/null; then
        modprobe vcan 2>/dev/null || fail "this kernel has no vcan, or we are not root" "sudo modprobe vcan (Raspberry Pi OS has it); put sudo before this script"
        "$ip" link add dev "$bus" type vcan
    fi
    made=yes
    "$ip" link set "$bus" mtu 72 up
fi
"$ip" -details link show "$bus" | grep -q '^ *vcan' || fail "$bus is a real bus" "this test sends frames: name a virtual one with --bus"

"$bin/python" -I - "$seconds" "$bus" >"$work/drive.log" <<'PY'
import sys

from edge_agent.database import BUNDLED, read_database
from edge_agent.simulate import Simulator

start, length = 1_700_000_000_000_000_000, int(sys.argv[1]) * 1_000_000_000
drive = Simulator(read_database(BUNDLED)[1].database, "TEST", 1, start).frames(start, start + length)
for stamp, can_id, data in zip(*(drive[name] for name in ("timestamp", "arb_id", "data")), strict=True):
    us = stamp.value // 1000
    print(f"({us // 1_000_000}.{us % 1_000_000:06d}) {sys.argv[2]} {can_id.as_py():03X}#{data.as_py().hex().upper()}")
PY
sent=$(wc -l <"$work/drive.log")
echo "pass  $sent frames of a simulated drive, $seconds s, go over $bus"

# frames of a computer that does not know the time yet wait for it: these need not be dated
env -u STATE_DIRECTORY AGENT_CLOCK_WAIT_SECONDS=0 "$bin/edge-agent" --vehicle TEST --channel "$bus" --lake "file://$work/lake" --spool "$work/spool" --window 2 >"$work/said" 2>&1 &
agent=$!
# the kernel knows who listens: nothing is sent before that
for _ in $(seq 1800); do
    if grep -q "^ *$bus " /proc/net/can/rcvlist_all 2>/dev/null; then break; fi
    kill -0 "$agent" 2>/dev/null || { cat "$work/said" >&2; fail "the agent ended" "what it said is above"; }
    sleep 0.1
done
grep -q "^ *$bus " /proc/net/can/rcvlist_all || fail "the agent does not listen after three minutes" "$(tail -n 3 "$work/said")"
canplayer -I "$work/drive.log"

"$bin/python" -I - "$work" <<'PY' || fail "what landed is not what was sent" "the agent said: $(tail -n 3 "$work/said")"
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

work = Path(sys.argv[1])
sent = [line.split()[2] for line in (work / "drive.log").read_text().splitlines()]
end = time.monotonic() + 120
while True:
    files = sorted((work / "lake").glob("raw/**/*_raw.parquet"))
    landed = []
    for file in files:
        table = pq.ParquetFile(file).read()
        landed += [
            f"{can_id.as_py():03X}#{data.as_py().hex().upper()}"
            for can_id, data in zip(table["arb_id"], table["data"], strict=True)
        ]
    if len(landed) >= len(sent) or time.monotonic() > end:
        break
    # the last window is still open
    time.sleep(0.5)
print(f"      {len(landed)} frames landed in {len(files)} objects")
sys.exit(landed != sent)
PY
kill -TERM "$agent"
wait "$agent" || fail "the agent ended badly" "$(tail -n 3 "$work/said")"
agent=''
echo "pass  all $sent landed, in order, bit for bit"
