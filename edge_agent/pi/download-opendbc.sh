#!/usr/bin/env bash
# download-opendbc.sh: look through the community's databases of cars (commaai/opendbc, MIT licence) and take one.
set -euo pipefail

source=https://github.com/commaai/opendbc.git cache=${XDG_CACHE_HOME:-$HOME/.cache}/can-telemetry/opendbc
name='' into=. list=''
fail() { printf 'download-opendbc: %s\n                  %s\n' "$1" "$2" >&2; exit 1; }
while [ $# -gt 0 ]; do
    case "$1" in
        -h | --help)
            echo "Usage: download-opendbc.sh --list [WORD] | --copy NAME [--into DIR (.)]"
            echo "       [--source GIT-ADDRESS ($source)] [--cache DIR ($cache)]"
            exit 0 ;;
        --list)
            list=.
            if [ $# -ge 2 ] && [ "${2#--}" = "$2" ]; then list=$2; shift; fi ;;
        --copy | --into | --source | --cache)
            [ $# -ge 2 ] || fail "$1 needs a value" "download-opendbc.sh --help"
            case "$1" in --copy) name=${2%.dbc} ;; --into) into=$2 ;; --source) source=$2 ;; --cache) cache=$2 ;; esac
            shift ;;
        *) fail "there is no option $1" "download-opendbc.sh --help" ;;
    esac
    shift
done
[ -n "$list$name" ] || fail "neither --list nor --copy was asked for" "download-opendbc.sh --list toyota"
command -v git >/dev/null || fail "there is no git" "sudo apt-get install git"

if [ -d "$cache/.git" ]; then
    git -C "$cache" pull -q --depth 1 || echo "download-opendbc: no network: the copy of before is used" >&2
else
    mkdir -p "$(dirname "$cache")"
    git clone -q --depth 1 "$source" "$cache" || fail "$source cannot be had" "is there a network? another --source?"
fi
# finished databases, and those of the generator that stand for themselves; its parts begin with _
files() { find "$cache" -name '*.dbc' ! -path '*/.git/*' ! -name '_*' | sort; }
if [ -n "$list" ]; then
    found=$(files | sed 's#.*/##; s#\.dbc$##' | sort -u | grep -i -- "$list" || true)
    [ -n "$found" ] || fail "no database has '$list' in its name" "download-opendbc.sh --list shows all"
    printf '%s\n' "$found"
fi
if [ -n "$name" ]; then
    # one that the generator has put together is worth more than its main part
    file=$(files | grep -E "/${name//./\\.}(_generated)?\.dbc$" | awk '{ print ($0 ~ /\/generator\//) " " ($0 !~ /_generated/) " " $0 }' |
        sort | head -1 | cut -d' ' -f3- || true)
    [ -n "$file" ] || fail "there is no database '$name'" "download-opendbc.sh --list ${name%%_*}"
    mkdir -p "$into"
    sed 's/\r$//' "$file" >"$into/$name.dbc"
    if grep -q '^CM_ "IMPORT' "$file"; then
        echo "download-opendbc: $name is put together from parts: in $cache run python opendbc/dbc/generator/generator.py, then ask again" >&2
    fi
    echo "$into/$name.dbc ($(grep -c '^BO_ ' "$file") messages). What it is worth: telemetry dbc check $into/$name.dbc"
fi
