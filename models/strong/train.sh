#!/usr/bin/env bash
# Trains the strong model, and writes its scores, from which the default and the fast model are distilled. Takes two to three hours
# on two cores. Run it again to resume after an interruption.
#   models/strong/train.sh DATA_ROOT BASE OUTPUT
# DATA_ROOT has a folder for each public data set (see datasets/README.md). BASE is a folder with all-mpnet-base-v2.
# OUTPUT-data becomes a data root that also has the data sets whose labels are in this repository.
set -euo pipefail
data_root=$1 base=$2 output=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
newsdesk=${NEWSDESK:-newsdesk}
data=$output-data

[ -e "$data/newsmtsc-tone/train.jsonl" ] || "$here/../../datasets/join.py" "$data_root" "$data"
if [ ! -e "$output/model.safetensors" ] || [ -e "$output/checkpoint" ]; then
  "$newsdesk" train --options "$here/strong.toml" --data-root "$data" --base "$base" --resume --output "$output"
fi
# Equal texts are scored once, so data sets may overlap.
labelled=(iptc-news iptc-news-more open-news ag-news bbc-news huffpost reuters-r52 newsmtsc financial-phrasebank tweet-sentiment)
for set in "${labelled[@]}"; do
  scores=$output-scores/$set.safetensors
  mkdir -p "$output-scores"
  [ -e "$scores" ] || "$newsdesk" models teacher-scores "$output" --data "$set" --data-root "$data" --max-length 160 --dtype int16 --output "$scores"
done
scores=$output-scores/open-news-unlabelled.safetensors
[ -e "$scores" ] || "$newsdesk" models teacher-scores "$output" --unlabelled "$data"/open-news-unlabelled/*.zst --max-length 160 --dtype int16 --output "$scores"
