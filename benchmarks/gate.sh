#!/bin/sh
# Our own engines beside an earlier commit: more operations or more time than there fail, what nobody can tell does not.
#
#     sh benchmarks/gate.sh [REVISION]       the default is where this branch left main, or the commit before on main
set -eu
cd "$(dirname "$0")/.."
nothing() {
  echo "no earlier commit here to compare with: the gate needs a git checkout with its history" >&2
  exit 0
}
head=$(git rev-parse --verify --quiet HEAD 2>/dev/null) || nothing
base=${1:-$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null || echo "$head")}
if [ "$(git rev-parse "$base^{commit}")" = "$head" ] && git diff --quiet HEAD; then
  base=$(git rev-parse --verify --quiet HEAD~1) || nothing
fi
code=0
"${FWDREV:-fwdrev}" check --against "$base" --inputs 128 --outputs 4,256 \
  --engines forward,reverse,bracketed,jax-jvp,jax-vjp,jax-bracketed || code=$?
if [ "$code" = 3 ]; then
  echo "inconclusive: not a regression, and not a proof that there is none" >&2
  code=0
fi
exit "$code"
