"""A report, whatever reached it, and its forms: JUnit, Markdown, and annotations of GitHub.

Start with `report.py`.
"""
