#!/usr/bin/env bash
# Trains the strong model, and writes its scores, from which smaller models can be distilled. Takes about two and a quarter hours on
# two cores. Run it again to resume after an interruption.
#   models/strong/train.sh DATA_ROOT BASE OUTPUT
# DATA_ROOT has a folder for each public data set (see datasets/README.md). BASE is a folder with all-mpnet-base-v2.
# OUTPUT-data becomes a data root that also has the data sets whose labels are in this repository.
set -euo pipefail
data_root=$1 base=$2 output=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
newsdesk=${NEWSDESK:-newsdesk}
data=$output-data

"$here/../../datasets/join.py" "$data_root" "$data"
if [ ! -e "$output/model.safetensors" ] || [ -e "$output/checkpoint" ]; then
  "$newsdesk" train --options "$here/strong.toml" --data-root "$data" --base "$base" --resume --output "$output"
fi
# score NAME ARGUMENT...: writes the scores of some texts, unless they are there.
score() {
  local scores=$output-scores/$1.safetensors
  shift
  [ -e "$scores" ] || "$newsdesk" models teacher-scores "$output" "$@" --data-root "$data" --max-length 160 --dtype int8 --output "$scores"
}

mkdir -p "$output-scores"
for set in iptc-news iptc-news-more iptc-media-topics open-news ag-news bbc-news huffpost newsmtsc financial-phrasebank tweet-sentiment; do
  score "$set" --data "$set"
done
score open-news-unlabelled --unlabelled "$data"/open-news-unlabelled/*.zst
