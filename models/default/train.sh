#!/usr/bin/env bash
# Trains the default model. Takes about an hour on two cores; run it again to go on after an interruption.
#   models/default/train.sh DATA_ROOT BASE OUTPUT
# DATA_ROOT holds a folder per public set (see datasets/README.md), BASE is a folder with all-MiniLM-L6-v2.
set -euo pipefail
data_root=$1 base=$2 output=$3
newsdesk=${NEWSDESK:-newsdesk}

# iptc-news stands twice: it alone is labelled for both heads with our own labels.
exec "$newsdesk" train \
  --data iptc-news iptc-news ag-news bbc-news huffpost newsmtsc financial-phrasebank \
  --validation iptc-news ag-news bbc-news newsmtsc financial-phrasebank \
  --data-root "$data_root" --base "$base" --pooling cls \
  --rows-per-epoch 2500 --length 160 --micro-batch 4 --epochs 3 --learning-rate 1e-4 --seed 1 \
  --name newsdesk-default --resume --output "$output"
