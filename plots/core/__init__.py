"""The shared parts of figures: style, frame, caption, and the plane (inputs × outputs).

Start with `plane.py`.
"""
