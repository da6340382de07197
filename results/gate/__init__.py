"""The gate: whether one side is slower than another, from rounds that measured both.

Start with `decision.py`; `baseline` compares with a file, `aa_test` asks how often the gate errs, `verdicts` reports.
"""
