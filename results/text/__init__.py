"""Words: quantities, changes and answers as a person reads them.

Start with `sentences.py`.
"""
