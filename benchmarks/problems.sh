#!/bin/sh
# Every problem over a small plane, by all four plain engines, then the rules of thumb over all of them:
#     sh benchmarks/problems.sh [FOLDER]
# Ten minutes; what FOLDER has already is not measured again. Nothing else should run meanwhile.
set -eu
fwdrev=${FWDREV:-fwdrev}
folder=${1:-runs/problems}
for problem in $("$fwdrev" problems | cut -d ' ' -f 1); do
  [ -e "$folder/$problem" ] && continue
  case $problem in # of their weights there are tens of thousands: columns that forward mode takes minutes for
    mlp | autoencoder | convolution | fourier-features) wrt="--wrt x" ;;
    *) wrt= ;;
  esac
  "$fwdrev" sweep --problem "$problem" $wrt --inputs 4,32,256 --outputs 1,32,256 --rounds 3 \
    --engines forward,reverse,jax-jvp,jax-vjp --timeout 60s --out "$folder/$problem"
done
"$fwdrev" rules "$folder"/*
