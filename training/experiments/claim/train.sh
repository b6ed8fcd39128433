#!/usr/bin/env bash
# Trains every model of the experiment on one GPU, one after the other, while those that are ready answer the texts
# on the CPU.
#
#   training/experiments/claim/train.sh DATA BASE OUT
#
# DATA is what prepare.sh wrote. Models go to OUT/<strategy>.<seed>, their answers to OUT/answers; RUNS names fewer runs,
# EVERY=10 asks about each tenth text only, and JOBS models answer at once, each in PROCESSES processes.
set -uo pipefail
data=$1 base=$2 out=$3
here=$(dirname "$0")
export data out here EVERY PROCESSES DTYPE
read -ra runs <<< "${RUNS:-none.1 nn.1 none.2 nn.2 nn_bm25.1 mixed.1 none.3 nn.3 diverse_nn.1 diverse_nn_bm25.1 random.1}"
mkdir -p "$out/logs" "$out/answers"

answer() {  # run
  while [ ! -d "$out/$1" ]; do
    [ -e "$out/ended" ] && return
    sleep 1
  done
  CUDA_VISIBLE_DEVICES='' nice python "$here/answers.py" "$data" "$out/$1" "$out/answers/$1.jsonl" \
    --every "${EVERY:-1}" --processes "${PROCESSES:-1}" --dtype "${DTYPE:-bfloat16}" > "$out/logs/$1.answers.log" 2>&1 ||
    echo "failed: answers of $1"
}
export -f answer

printf '%s\n' "${runs[@]}" | OMP_NUM_THREADS=1 xargs -P "${JOBS:-4}" -I {} bash -c 'answer {}' &
python "$here/models.py" "$data" "$base" "$out" --runs "${runs[@]}" | tee "$out/runs.jsonl"
touch "$out/ended"
wait
