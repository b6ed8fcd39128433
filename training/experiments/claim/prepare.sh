#!/usr/bin/env bash
# The data of the experiment, on a CPU: training conversations without and with examples by each strategy, the examples
# of every evaluation arm, and the text for pre-training. About an hour on two cores, most of it for embeddings.
#
#   training/experiments/claim/prepare.sh OUT
set -euo pipefail
out=$1
here=$(dirname "$0")
python "$here/records.py" "$out"

tests=()
for file in "$out"/test.*.jsonl; do tests+=(--evaluation "$file"); done

make() {  # language, name, command and options
  local language=$1 name=$2
  shift 2
  [ -e "$out/$name.$language.jsonl" ] || ranit data "$@" "$out/train.$language.jsonl" \
    -o "$out/$name.$language.jsonl" --profile "nano-$language.v1" --absent-from domain --absent-rate 1 \
    "${tests[@]}" --drop-overlaps
}

for language in ${LANGUAGES:-en zh}; do
  make "$language" none conversations
  make "$language" nn augment --strategy nn
  for strategy in nn_bm25 diverse_nn diverse_nn_bm25 mixed random; do
    make "$language" "$strategy" augment --strategy "$strategy" --vectors "$out/nn.$language.jsonl.vectors.npy"
  done
done
