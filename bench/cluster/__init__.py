"""Sweeps over several machines, by Dask: each machine measures whole rounds in processes of its own.

Start with `connection.py`, then `sweep.py`. Only `host.py` runs on the machines; nothing is timed inside Dask.
"""
