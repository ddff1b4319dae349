# shellcheck shell=bash
# What rpi-setup.sh is made of: saying, writing files once, the agent's releases, the services. Sourced, never run.
# Its variables (root, dry, from, …) are the options of rpi-setup.sh.
# shellcheck disable=SC2154

say() { printf '%s\n' "$*"; }

fail() { # WHAT REMEDY
    printf 'rpi-setup: %s\n           %s\n' "$1" "$2" >&2
    exit 1
}

act() { # run a command, or say it
    if [ -n "$dry" ]; then say "would run $*"; else "$@"; fi
}

put() { # MODE PATH [SUFFIX]: standard input becomes that file, if it is not yet; without a mode it keeps its own.
    # With a suffix, what was there first is kept under that name, too.
    local path=$root$2 new
    new=$(mktemp)
    cat >"$new"
    if [ -f "$path" ] && cmp -s "$new" "$path"; then
        say "unchanged $2"
    elif [ -n "$dry" ]; then
        say "would write $2"
    else
        mkdir -p "$(dirname "$path")"
        if [ -n "${3:-}" ] && [ ! -e "$path$3" ]; then cp -p "$path" "$path$3"; fi
        # beside it and renamed: a power cut leaves the old file or the new one
        cp "$new" "$path.new"
        chmod "${1:-$(stat -c %a "$path")}" "$path.new"
        sync "$path.new"
        mv "$path.new" "$path"
        say "wrote     $2"
    fi
    rm -f "$new"
}

remove() { # PATH…
    local path
    for path in "$@"; do
        if [ ! -e "$root$path" ] && [ ! -L "$root$path" ]; then continue; fi
        if [ -n "$dry" ]; then say "would remove $path"; else rm -rf "$root${path:?}"; say "removed   $path"; fi
    done
}

host_name() { # as a vehicle id
    local name
    name=$(cat "$root/etc/hostname" 2>/dev/null || uname -n)
    name=$(tr -c 'A-Za-z0-9_-' '-' <<<"$name" | sed 's/-*$//' | cut -c1-64)
    echo "${name:-vehicle}"
}

give_to_agent() { # PATH…: root's, and readable by the agent
    if [ -n "$dry" ]; then return; fi
    local group path
    group=$(awk -F: '$1 == "telemetry-agent" { print $3 }' "$root/etc/group")
    for path in "$@"; do
        if [ -d "$root$path" ]; then chmod 750 "$root$path"; fi
        if [ "$(id -u)" = 0 ]; then chown "0:$group" "$root$path"; fi
    done
}

need_packages() {
    local missing=()
    "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    command -v ip >/dev/null || missing+=(iproute2)
    command -v sysctl >/dev/null || missing+=(procps)
    command -v candump >/dev/null || missing+=(can-utils)
    if [ ${#missing[@]} = 0 ]; then return; fi
    say "installing ${missing[*]}"
    act apt-get update -qq
    act env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

identity() { # what tells one release from another
    if [ -d "$from" ]; then
        (cd "$from" && find pyproject.toml hatch_build.py requirements.lock dbc edge_agent telemetry_pipeline api -type f \
            ! -path '*/__pycache__/*' -print0 2>/dev/null | sort -z | xargs -0 sha256sum)
    elif [ -f "$from" ]; then sha256sum <"$from"; else echo "$from"; fi
    echo "$extras"
    "$python" -V
}

install_release() { # a virtual environment beside the one that runs; the link changes when the new one has worked
    local release link=$root/opt/can-telemetry requirement log limits=()
    python=${PYTHON:-python3}
    if [ -z "$from" ]; then
        from=$(cd "$here/../.." && pwd)
        if [ ! -f "$from/pyproject.toml" ]; then
            say "kept      /opt/can-telemetry (name a wheel, a source tree or a version with --from to change it)"
            return
        fi
    fi
    if [ -z "$extras" ]; then
        extras=edge
        if grep -Eq '^lake: *"?s3:' "$root/etc/telemetry-agent/config.yaml" 2>/dev/null; then extras=edge,aws; fi
    fi
    "$python" -c 'import struct, sys; sys.exit(struct.calcsize("P") != 8 or not (3, 11) <= sys.version_info[:2] < (3, 14))' ||
        fail "$("$python" -V 2>&1) will not do: a 64-bit Python 3.11, 3.12 or 3.13 is needed" \
            "use the 64-bit Raspberry Pi OS (Bookworm or Trixie), or say PYTHON=/path/to/python3"
    if [ -e "$link" ] && [ ! -L "$link" ]; then
        fail "/opt/can-telemetry is a folder that this script has not made" "move it away"
    fi
    release=can-telemetry-$(identity | sha256sum | cut -c1-12)
    if [ "$(readlink "$link" || true)" = "$release" ]; then say "unchanged /opt/can-telemetry ($release)"; return; fi
    if [ -n "$dry" ]; then say "would install $from with [$extras] as /opt/$release and link /opt/can-telemetry to it"; return; fi
    case "$from" in
        */* | *.whl) requirement="can-telemetry[$extras] @ file://$(readlink -f "$from")" ;;
        *) requirement="can-telemetry[$extras]==$from" ;;
    esac
    say "installing $requirement (a few minutes on a Pi)"
    rm -rf "$root/opt/$release"
    mkdir -p "$root/opt"
    "$python" -m venv "$root/opt/$release"
    log=$root/opt/$release/install.log
    if [ -f "$from/requirements.lock" ]; then
        # the versions that were tested; the lock's digests are of files, and this is a build of ours
        sed -E '/^ *--hash/d; s/ *\\$//' "$from/requirements.lock" >"$root/opt/$release/constraints.txt"
        limits=(-c "$root/opt/$release/constraints.txt")
    fi
    if ! "$root/opt/$release/bin/python" -I -m pip install --disable-pip-version-check --prefer-binary \
        "${limits[@]}" "$requirement" >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        fail "the installation failed; the agent that was there is untouched" "the whole log is /opt/$release/install.log"
    fi
    smoke "$root/opt/$release"
    if [ -L "$link" ]; then ln -sfn "$(readlink "$link")" "$link.previous"; fi
    ln -sfn "$release" "$link.new"
    mv -T "$link.new" "$link"
    say "switched  /opt/can-telemetry to $release"
    local old
    for old in "$root"/opt/can-telemetry-????????????; do
        case "${old##*/}" in "$(readlink "$link")" | "$(readlink "$link.previous" || true)") ;; *) rm -rf "$old" ;; esac
    done
    mkdir -p "$root/usr/local/bin" "$root/usr/local/sbin"
    ln -sfn /opt/can-telemetry/bin/edge-agent "$root/usr/local/bin/edge-agent"
    local script
    for script in "$root/opt/$release"/lib/python3.*/site-packages/edge_agent/pi/{rpi-setup,can-diagnostics,test-capture}.sh; do
        script=/opt/can-telemetry/${script#"$root/opt/$release/"}
        ln -sfn "$script" "$root/usr/local/sbin/${script##*/}"
    done
}

smoke() { # FOLDER: the release brings frames of a simulated drive to a lake of its own, in whatever time this machine needs
    local place seconds
    place=$(mktemp -d)
    for seconds in 2 30; do
        env -u STATE_DIRECTORY "$1/bin/edge-agent" --simulate --duration "$seconds" --vehicle SETUP \
            --lake "file://$place/lake" --spool "$place/spool" >"$place/said" 2>&1 || break
        if find "$place/lake" -name '*_raw.parquet' | grep -q .; then rm -rf "$place"; return; fi
    done
    cat "$place/said" >&2
    rm -rf "$place"
    fail "the new release does not run; the agent that was there is untouched" "what it said is above"
}

roll_back() {
    local link=$root/opt/can-telemetry now
    [ -L "$link.previous" ] || fail "there is no release before this one" "install one with --from"
    now=$(readlink "$link")
    if [ -n "$dry" ]; then say "would switch /opt/can-telemetry from $now to $(readlink "$link.previous")"; return; fi
    ln -sfn "$(readlink "$link.previous")" "$link.new"
    mv -T "$link.new" "$link"
    ln -sfn "$now" "$link.previous"
    say "switched  /opt/can-telemetry back to $(readlink "$link")"
    if [ -z "$root" ]; then act systemctl restart telemetry-agent; fi
}

enable_services() {
    local online=yes
    if [ ${#channels[@]} -gt 0 ] && [ -e "$root/lib/systemd/system/systemd-networkd.service" ]; then
        systemctl --root="${root:-/}" is-enabled -q systemd-networkd-wait-online 2>/dev/null || online=''
        act systemctl --root="${root:-/}" -q enable systemd-networkd
        # it would wait for addresses, which CAN has none of; NetworkManager waits for its own
        if [ -z "$online" ]; then act systemctl --root="${root:-/}" -q disable systemd-networkd-wait-online; fi
    elif [ ${#channels[@]} -gt 0 ]; then say "there is no systemd-networkd: bring the channels up listen-only yourself"; fi
    act systemctl --root="${root:-/}" -q enable telemetry-agent.service
    say "enabled   telemetry-agent.service"
    if [ -n "$root" ] || [ ! -d /run/systemd/system ]; then return; fi
    act systemctl daemon-reload
    if [ ${#channels[@]} -gt 0 ]; then act systemctl restart systemd-networkd; fi
}

try_out() { # everything the agent needs, as the agent's user, while no agent holds the spool; then start it
    if [ -d /run/systemd/system ]; then act systemctl stop telemetry-agent; fi
    act install -d -o telemetry-agent -g telemetry-agent -m 750 /var/lib/telemetry-agent
    if [ -n "$dry" ]; then return; fi
    # what is quoted is expanded by the shell of the agent's user
    # shellcheck disable=SC2016
    runuser -u telemetry-agent -- sh -c \
        'set -a; . /etc/telemetry-agent/environment; exec /opt/can-telemetry/bin/edge-agent --config /etc/telemetry-agent/config.yaml --check' ||
        say "What is marked FAIL says what to do; can-diagnostics.sh looks closer"
    if [ -n "$start" ] && [ -d /run/systemd/system ]; then act systemctl start telemetry-agent; fi
}

uninstall_all() {
    local path
    if [ -z "$root" ] && [ -d /run/systemd/system ]; then act systemctl -q disable --now telemetry-agent.service || true
    else act systemctl --root="${root:-/}" -q disable telemetry-agent.service 2>/dev/null || true; fi
    set_boot
    for path in "$root"/etc/systemd/network/60-telemetry-*; do remove "${path#"$root"}"; done
    remove /etc/systemd/system/telemetry-agent.service /etc/sysctl.d/60-telemetry-agent.conf
    for path in "$root"/opt/can-telemetry-????????????; do remove "${path#"$root"}"; done
    remove /opt/can-telemetry /opt/can-telemetry.previous /usr/local/bin/edge-agent
    remove /usr/local/sbin/{rpi-setup,can-diagnostics,test-capture}.sh
    if [ -n "$purge" ]; then
        remove /etc/telemetry-agent /var/lib/telemetry-agent /usr/lib/sysusers.d/telemetry-agent.conf
    else
        say "kept      /etc/telemetry-agent and /var/lib/telemetry-agent (--purge takes them, too)"
    fi
    if [ -z "$root" ] && [ -d /run/systemd/system ]; then act systemctl daemon-reload; fi
}
