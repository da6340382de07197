"""Advice on a user's function: which arms to try, in which order, when to stop, and what to recommend.

Start with `record.py`; `rounds.py` measures, `decision.py` decides.
"""
