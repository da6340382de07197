"""What the front door exports that both measures and estimates: `jacobian`, `advise`, and a whole sweep.

Start with `jacobian.py`.
"""
