"""Rules of thumb, their cost on measured cells, and the best simple rule.

Start with `rules.py`.
"""
