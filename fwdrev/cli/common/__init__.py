"""What the commands share: options, exit codes, streams, and how an answer is shown.

Start with `show.py`.
"""
