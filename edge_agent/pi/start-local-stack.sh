#!/usr/bin/env bash
# start-local-stack.sh: the laptop's side of a Pi + laptop set-up without a cloud: moves what the Pi has recorded into a
# lake on this machine over ssh, decodes what has come, and serves the dashboard. Ctrl-C ends all of it; the lake stays.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
bin=$here/../../.venv/bin lake=$HOME/telemetry-lake from='' port=8000 every=10 dbcs=() once=''
usage() {
    cat <<'HELP'
Usage: start-local-stack.sh [--from HOST[:FOLDER]] [OPTIONS]

  --from HOST     the Pi as ssh knows it, such as pi@raspberrypi.local; its lake is /var/lib/telemetry-agent/lake unless
                  a folder follows. Without it nothing is fetched: the Pi writes into the lake itself (NFS, Samba, …)
  --lake DIR      the lake on this machine (~/telemetry-lake)
  --dbc FILE      a database that decodes; may be given several times
  --port N        the dashboard's port, for this machine alone (8000)
  --every N       fetch and decode every N seconds (10)
  --once          fetch and decode once, serve nothing, end
  --bin DIR       where telemetry is (.venv/bin of this source tree, as `make demo` leaves it)
HELP
}
fail() { printf 'start-local-stack: %s\n                   %s\n' "$1" "$2" >&2; exit 1; }
while [ $# -gt 0 ]; do
    case "$1" in
        -h | --help) usage; exit 0 ;;
        --once) once=yes ;;
        --from | --lake | --dbc | --port | --every | --bin)
            [ $# -ge 2 ] || fail "$1 needs a value" "start-local-stack.sh --help"
            case "$1" in
                --from) from=$2 ;; --lake) lake=$2 ;; --dbc) dbcs+=("$2") ;; --port) port=$2 ;;
                --every) every=$2 ;; --bin) bin=$2 ;;
            esac
            shift ;;
        *) fail "there is no option $1" "start-local-stack.sh --help" ;;
    esac
    shift
done
[ -x "$bin/telemetry" ] || fail "there is no telemetry in $bin" "run make demo once in the source tree, or name its folder with --bin"
if [ -n "$from" ]; then
    command -v rsync >/dev/null || fail "there is no rsync on this machine" "install it, such as: sudo apt-get install rsync"
    case "$from" in
        /* | *:*) ;;
        *) from=$from:/var/lib/telemetry-agent/lake ;;
    esac
fi
mkdir -p "$lake/raw" "$lake.incoming"
lake=$(cd "$lake" && pwd)
export TELEMETRY_LAKE=file://$lake

fetch() { # whole objects alone; each leaves the Pi when it is here, and appears here whole
    [ -n "$from" ] || return 0
    local elevated=()
    case "$from" in *:*) elevated=(--rsync-path='sudo -n rsync') ;; esac
    rsync --recursive --times --remove-source-files --prune-empty-dirs --temp-dir="$lake.incoming" "${elevated[@]}" \
        --include='*/' --include='*_raw.parquet' --exclude='*' --timeout=60 "${from%/}/raw/" "$lake/raw/"
}
decode() { "$bin/telemetry" decode --pending >"$lake.incoming/decode.log" 2>&1; }

if [ ${#dbcs[@]} -gt 0 ]; then "$bin/telemetry" dbc add "${dbcs[@]}"; fi
if [ -n "$once" ]; then
    fetch || fail "nothing could be fetched from $from" "what rsync said is above; is the Pi on, and may ssh and sudo go without a password?"
    decode || { cat "$lake.incoming/decode.log" >&2; fail "decoding failed" "what it said is above"; }
    "$bin/telemetry" status
    exit 0
fi
served=''
# called by the trap
# shellcheck disable=SC2317
finish() {
    trap - EXIT
    if [ -n "$served" ]; then kill "$served" 2>/dev/null || true; wait "$served" 2>/dev/null || true; fi
}
trap finish EXIT
trap 'exit 0' INT TERM
"$bin/telemetry" serve --port "$port" &
served=$!
while kill -0 "$served" 2>/dev/null; do
    fetch || echo "$(date +%T) nothing could be fetched from $from: trying again in $every s" >&2
    decode || echo "$(date +%T) decoding failed: $lake.incoming/decode.log says why" >&2
    # so that Ctrl-C is heard meanwhile
    sleep "$every" &
    wait $! || true
done
fail "the dashboard has ended" "what it said is above"
