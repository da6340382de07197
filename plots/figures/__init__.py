"""The figures, one file each: select rows, lay out numbers, draw on an Axes that is handed in.

Start with `crossover_map.py`.
"""
