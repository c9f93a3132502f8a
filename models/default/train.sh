#!/usr/bin/env bash
# Trains the default model: trains two models on the same data sets and averages their weights. Takes about two and a half
# hours on two cores. Run it again to resume after an interruption.
#   models/default/train.sh DATA_ROOT BASE OUTPUT
# DATA_ROOT has a folder for each public data set (see datasets/README.md). BASE is a folder with all-MiniLM-L6-v2.
# OUTPUT-parts keeps the models that are averaged.
set -euo pipefail
data_root=$1 base=$2 output=$3
here=$(dirname "${BASH_SOURCE[0]}")
newsdesk=${NEWSDESK:-newsdesk}
parts=$output-parts

# train NAME BASE: trains the model of NAME.toml from BASE.
train() {
  if [ -e "$parts/$1/model.safetensors" ] && [ ! -e "$parts/$1/checkpoint" ]; then return; fi
  "$newsdesk" train --options "$here/$1.toml" --data-root "$data_root" --base "$2" --resume --output "$parts/$1"
}

train first "$base"
train continued "$parts/first"
train fresh "$base"
[ -e "$output/model.safetensors" ] || "$newsdesk" models average "$parts/continued" "$parts/fresh" --name newsdesk-default --output "$output"
# Calibrate and certify on news only, so that scores and number types hold for news.
news=(iptc-news ag-news bbc-news financial-phrasebank newsmtsc)
"$newsdesk" calibrate "$output" --data "${news[@]}" --split validation --data-root "$data_root"
"$newsdesk" models certify "$output" --data "${news[@]}" --split validation --data-root "$data_root"
