"""The figures, one file each: select rows, lay out numbers, draw on a given Axes.

Start with `crossover_map.py`.
"""
