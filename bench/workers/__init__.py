"""What runs in the processes of a sweep: a cell's arms are prepared and checked, their memory measured, and timed.

Start with `cell_visit.py`.
"""
