"""Text for people: quantities, changes and answers in words.

Start with `sentences.py`.
"""
