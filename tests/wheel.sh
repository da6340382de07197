#!/bin/sh
# Install a wheel into a clean environment and use it from an empty folder: sh tests/wheel.sh dist/fwdrev-*.whl
set -eu
wheel=$(realpath "$1")
constraints=$(realpath constraints.txt)
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/python" -m pip install --quiet --disable-pip-version-check --constraint "$constraints" "$wheel"
"$room/venv/bin/python" - "$wheel" <<'CHECK'
"""The wheel holds every file of the checkout's packages: sub-packages, schemas and what reports are made of."""
import os, sys, zipfile

folders = os.walk("fwdrev", followlinks=True)
files = {os.path.join(folder, name) for folder, _, names in folders if "__pycache__" not in folder for name in names}
assert {"fwdrev/results/runs/__init__.py", "fwdrev/modes/core/__init__.py"} <= files, "run this in the checkout"
missing = sorted(files - set(zipfile.ZipFile(sys.argv[1]).namelist()))
sys.exit(f"not in the wheel: {missing}" if missing else 0)
CHECK
cd "$room"
"$room/venv/bin/fwdrev" --help
"$room/venv/bin/fwdrev" engines
"$room/venv/bin/fwdrev" problems
"$room/venv/bin/fwdrev" sweep --inputs 8,16 --outputs 4,8 --rounds 2 --blocks 2 --out run
"$room/venv/bin/fwdrev" plot run
"$room/venv/bin/fwdrev" report run
"$room/venv/bin/python" -c 'import fwdrev; p = fwdrev.problem("mlp", n=3, m=2); print(fwdrev.load("run").spec.problem, p.m)'
"$room/venv/bin/python" -c 'from fwdrev.results.published import published, schemas; assert all(published(name).is_file() for name in schemas())'
