#!/usr/bin/env bash
# install-service.sh: the agent and its service alone, on a machine whose CAN channels are set up already.
# It takes the options of rpi-setup.sh.
set -euo pipefail
exec "$(dirname "$(readlink -f "$0")")/rpi-setup.sh" install "$@"
