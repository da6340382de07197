"""Records as they show themselves in a notebook: escaped HTML.

Start with `html.py`.
"""
