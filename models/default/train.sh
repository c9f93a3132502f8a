#!/usr/bin/env bash
# Trains the default model. Takes about an hour on two cores; run it again to go on after an interruption.
#   models/default/train.sh DATA_ROOT BASE OUTPUT [OPTIONS]
# DATA_ROOT holds a folder per public set (see datasets/README.md), BASE is a folder with all-MiniLM-L6-v2, OPTIONS a file
# of options (train.toml beside this script unless given).
set -euo pipefail
data_root=$1 base=$2 output=$3 options=${4:-$(dirname "${BASH_SOURCE[0]}")/train.toml}
exec "${NEWSDESK:-newsdesk}" train --options "$options" \
  --data-root "$data_root" --base "$base" --resume --output "$output"
