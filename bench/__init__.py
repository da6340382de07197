"""Sweeps, paired rounds, workers and executors; no statistics and no figures.

    spec = make_spec({"inputs": "16,64", "outputs": "4,16", "rounds": 3})
    for observation in Sweep(spec, LocalExecutor(spec, folder)):
        ...                                        # one cell in one round, every arm's values paired by position

The command is in `fwdrev.cli`, the only place here that sees every package.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
