#!/usr/bin/env bash
# The data of the experiment: training conversations without examples and with examples by each strategy, and the
# examples of every evaluation arm. Minutes on 16 cores and a GPU; most of it is embedding.
#
#   training/experiments/claim/prepare.sh OUT
set -euo pipefail
out=$1
here=$(dirname "$0")
export out
[ -e "$out/train.zh.jsonl" ] || python "$here/records.py" "$out"

make() {  # language, strategy: none is without examples
  local language=$1 strategy=$2 vectors="$out/nn.$1.jsonl.vectors.npy" tests=() how=(conversations)
  for file in "$out"/test.*.jsonl; do tests+=(--evaluation "$file"); done
  [ "$strategy" = none ] || how=(augment --strategy "$strategy")
  [ "$strategy" = none ] || [ ! -e "$vectors" ] || how+=(--vectors "$vectors")
  ranit data "${how[@]}" "$out/train.$language.jsonl" -o "$out/$strategy.$language.jsonl" \
    --profile "nano-$language.v1" --absent-from domain --absent-rate 1 "${tests[@]}" --drop-overlaps
}
export -f make

# The first ones leave the vectors that the others read.
printf '%s\n' 'en nn' 'zh nn' | xargs -P "${JOBS:-2}" -L 1 bash -c 'make "$@"' make
for language in en zh; do
  for strategy in none nn_bm25 diverse_nn diverse_nn_bm25 mixed random; do echo "$language $strategy"; done
done | xargs -P "${JOBS:-2}" -L 1 bash -c 'make "$@"' make &
echo crossner_ai crossner_politics crossner_science mit_movie boson_zh cluener2020 cmeee |
  xargs -P "${JOBS:-2}" -n 1 python "$here/arms.py" "$out"
wait
cat "$out"/arms.*.jsonl > "$out/arms.jsonl"
sort -u "$out"/examples.*.jsonl > "$out/examples.jsonl"
for strategy in none nn nn_bm25 diverse_nn diverse_nn_bm25 mixed random; do
  python -m ranit_training.nano.encode "$out/$strategy.en.jsonl" "$out/$strategy.zh.jsonl" -o "$out/$strategy.npz"
done
