#!/bin/sh
# Measures a small plane, draws it and writes the report: a line for each stage. `make demo` calls it with FWDREV.
set -eu
fwdrev=${FWDREV:-fwdrev}
run=runs/demo-$(date +%Y%m%d-%H%M%S)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

stage() { # what it did, then the command; a terminal shows its progress, anything else only what went wrong
    what=$1 began=$(date +%s)
    shift
    if [ -t 2 ]; then
        "$@" >"$log"
    else
        "$@" >"$log" 2>&1 || { code=$?; cat "$log" >&2; exit "$code"; }
    fi
    printf '%-52s %3s s\n' "$what" "$(($(date +%s) - began))"
}

stage "measured 49 cells with four engines, five rounds" "$fwdrev" sweep --quick --out "$run"
stage "drew the figures" "$fwdrev" plot "$run"
stage "wrote the report" "$fwdrev" report "$run"

cat <<END

forward and reverse take the same time near $("$fwdrev" crossover "$run" | sed -n 's/^law: //p')
everything is in $run: report.html, figures/, journal.jsonl

what next:
END
printf '  %-60s %s\n' \
    "$fwdrev report $run --open" "explore the plane in a browser" \
    "$fwdrev advise FILE.py:FUNCTION --shape 1000" "choose a mode for a function of your own" \
    "$fwdrev sweep --problem mlp --wrt x --rounds 5" "measure another plane; see also $fwdrev problems"
