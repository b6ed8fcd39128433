#!/usr/bin/env bash
# Trains every model of the experiment on one GPU, all at once, and has each answer the evaluation texts.
#
#   training/experiments/claim/train.sh encode|train|answer DATA BASE OUT
#
# `encode` needs no GPU. Every run writes OUT/<strategy>.<seed>, every model answers into OUT/answers.
set -uo pipefail
phase=$1 data=$2 base=$3 out=$4
here=$(dirname "$0")
strategies=(none nn nn_bm25 diverse_nn diverse_nn_bm25 mixed random)
read -ra runs <<< "${RUNS:-none.1 nn.1 none.2 nn.2 none.3 nn.3 nn_bm25.1 diverse_nn.1 diverse_nn_bm25.1 mixed.1 random.1}"
mkdir -p "$out/logs" "$out/answers"

train() {  # strategy, seed, options
  local strategy=$1 seed=$2
  shift 2
  python -m ranit_rag train --config "$here/run.yaml" --model "$base" --cache "$out/cache" --seed "$seed" \
    --data "$data/$strategy.en.jsonl" --data "$data/$strategy.zh.jsonl" -o "$out/$strategy.$seed" "$@" \
    ${EXTRA:-} > "$out/logs/$strategy.$seed.log" 2>&1 || echo "failed: $strategy.$seed"
}

case $phase in
  encode) for strategy in "${strategies[@]}"; do train "$strategy" 0 --dry-run & done ;;
  train) for run in "${runs[@]}"; do train "${run%.*}" "${run##*.}" & done ;;
  answer)
    for run in "${runs[@]}"; do
      python "$here/answers.py" "$data" "$out/$run/model" "$out/answers/$run.jsonl" ${EVERY:-} \
        > "$out/logs/$run.answers.log" 2>&1 || echo "failed: answers of $run" &
    done
    ;;
esac
wait
