"""The report of a check and its forms: text, JUnit, Markdown, and annotations of GitHub.

Start with `report.py`.
"""
