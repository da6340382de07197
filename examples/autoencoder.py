"""An autoencoder squeezes its inputs through a waist: there a mix of both modes is cheaper than either.

The Jacobian of the reconstruction with respect to the input is the product of two thin factors, waist → outputs and
inputs → waist. Forward mode carries all inputs through the wide end, and reverse mode all outputs. The best bracketing
goes backwards through the encoder and forwards through the decoder, and multiplies once at the waist.

    python examples/autoencoder.py [--sizes 100,300,1000]
"""

import argparse
from collections.abc import Sequence
from functools import partial

import numpy as np
from turns import medians

import fwdrev

ENGINES = ("forward", "reverse", "bracketed")
WAIST = 8


def main(arguments: Sequence[str] | None = None) -> None:
    """Print exact counts and times for autoencoders that grow while their waist stays."""
    parser = argparse.ArgumentParser(description="the Jacobian of an autoencoder by three bracketings")
    parser.add_argument("--sizes", default="100,300,1000")
    sizes = [int(size) for size in parser.parse_args(arguments).sizes.split(",")]
    print(f"{'n = m':>6}" + "".join(f"{name:>24}" for name in ENGINES) + "   best ÷ mixed")
    for size in sizes:
        found = fwdrev.problem("autoencoder", n=size, m=size, waist=WAIST)
        engines = [fwdrev.engine(name) for name in ENGINES]
        jacobians = [engine.prepare(found.chain, "x") for engine in engines]
        results = [np.asarray(J(found.x, found.theta)).copy() for J in jacobians]
        apart = max(np.abs(J - results[0]).max() for J in results)
        if apart > 1e-10:
            raise SystemExit(f"the engines differ by {apart:.1e}")
        counts = [engine.cost(found.chain, "x").multiply_adds for engine in engines]
        times = medians([partial(J, found.x, found.theta) for J in jacobians])
        cells = "".join(f"{count / 1e6:>10.2f} M {1e3 * t:>8.2f} ms" for count, t in zip(counts, times, strict=True))
        print(f"{size:>6}{cells} {min(times[:2]) / times[2]:>10.1f}")
    print("\n(multiply-adds in millions, exact; then the time of one Jacobian)")


if __name__ == "__main__":
    main()
