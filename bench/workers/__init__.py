"""The code of a sweep's worker processes: they prepare and check a cell's arms, measure their memory, and time them.

Start with `cell_visit.py`.
"""
