"""What figures share: style, frame, caption, and the plane (inputs × outputs).

Start with `plane.py`.
"""
