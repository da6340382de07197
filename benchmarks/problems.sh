#!/bin/sh
# Every problem over a small plane, by all four plain engines, then the rules of thumb over all of them:
#     sh benchmarks/problems.sh [FOLDER]
# A quarter of an hour; what FOLDER has already is not measured again. Nothing else should run meanwhile.
set -eu
fwdrev=${FWDREV:-fwdrev}
folder=${1:-runs/problems}
for problem in $("$fwdrev" problems | cut -d ' ' -f 1); do
  [ -e "$folder/$problem" ] && continue
  "$fwdrev" sweep --problem "$problem" --inputs 4,32,256,1024 --outputs 1,32,256,1024 --rounds 4 \
    --engines forward,reverse,jax-jvp,jax-vjp --timeout 60s --out "$folder/$problem"
done
"$fwdrev" rules "$folder"/*
