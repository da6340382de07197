"""The report of a check and its forms: text, JUnit, Markdown, and GitHub annotations.

Start with `report.py`.
"""
