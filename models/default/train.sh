#!/usr/bin/env bash
# Trains the default model: two models of the same sets, and the mean of their weights. Takes about two and a half hours on two
# cores; run it again to go on after an interruption.
#   models/default/train.sh DATA_ROOT BASE OUTPUT
# DATA_ROOT holds a folder per public set (see datasets/README.md), BASE is a folder with all-MiniLM-L6-v2. The parts are kept
# in OUTPUT-parts.
set -euo pipefail
data_root=$1 base=$2 output=$3
here=$(dirname "${BASH_SOURCE[0]}")
newsdesk=${NEWSDESK:-newsdesk}
parts=$output-parts

# train NAME BASE: the part of NAME.toml.
train() {
  if [ -e "$parts/$1/model.safetensors" ] && [ ! -e "$parts/$1/checkpoint" ]; then return; fi
  "$newsdesk" train --options "$here/$1.toml" --data-root "$data_root" --base "$2" --resume --output "$parts/$1"
}

train first "$base"
train continued "$parts/first"
train fresh "$base"
[ -e "$output/model.safetensors" ] || "$newsdesk" models average "$parts/continued" "$parts/fresh" --name newsdesk-default --output "$output"
# Scores are to mean what they say on news.
news=(iptc-news ag-news bbc-news financial-phrasebank newsmtsc)
"$newsdesk" calibrate "$output" --data "${news[@]}" --split validation --data-root "$data_root"
"$newsdesk" models certify "$output" --data "${news[@]}" --split validation --data-root "$data_root"
