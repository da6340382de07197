"""Chains, layers, problems, and the engines that compute their Jacobians; no clock, no files, no statistics.

    p = problem("driven", n=256, m=64)
    jacobian = engine("forward").prepare(p.chain, wrt="theta")
    J = jacobian(p.x, p.theta)                                     # (64, 256)
    engine("forward").cost(p.chain, wrt="theta").multiply_adds     # exact

`JaxLayer` is in `fwdrev.modes.layers.jax_layer`, since it imports JAX.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
