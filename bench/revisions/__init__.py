"""Two revisions of the same code, measured in pairs: worktrees, both sides, and their rounds.

`side.py` runs in either revision and is one file. Start with `rounds.py`.
"""
