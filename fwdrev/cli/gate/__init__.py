"""What the commands of the gate share: what was asked for, by options or by the project, and reports of the outcome.

Start with `asked.py`.
"""
