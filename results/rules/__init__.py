"""Rules of thumb, what each costs on measured cells, and the best simple rule.

Start with `rules.py`.
"""
