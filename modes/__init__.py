"""Chains, layers, problems, and the engines that compute their Jacobians; it knows no clock, no file, no statistics.

    p = problem("driven", n=256, m=64)
    jacobian = engine("forward").prepare(p.chain, wrt="theta")
    J = jacobian(p.x, p.theta)                                     # (64, 256)
    engine("forward").cost(p.chain, wrt="theta").multiply_adds     # exact

`JaxLayer` is in `fwdrev.modes.jax_layer`, since it imports JAX.
"""

from fwdrev.modes.activation import Activate, Activation, activation
from fwdrev.modes.chain import Chain, Wrt
from fwdrev.modes.cost import Cost, EngineCost
from fwdrev.modes.dense import Dense
from fwdrev.modes.driven import Driven
from fwdrev.modes.engine import Direction, Engine, Jacobian
from fwdrev.modes.errors import FwdrevError, InputError, NothingMeasuredError, UnavailableError
from fwdrev.modes.layer import Layer, Linearization
from fwdrev.modes.linear_map import LinearMap
from fwdrev.modes.loss import SoftmaxCrossEntropy, SquaredError
from fwdrev.modes.problem import Problem
from fwdrev.modes.registry import engine, engine_names, problem, problem_names, problem_options, problem_summary

__all__ = [
    "Activate",
    "Activation",
    "Chain",
    "Cost",
    "Dense",
    "Direction",
    "Driven",
    "Engine",
    "EngineCost",
    "FwdrevError",
    "InputError",
    "Jacobian",
    "Layer",
    "LinearMap",
    "Linearization",
    "NothingMeasuredError",
    "Problem",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "UnavailableError",
    "Wrt",
    "activation",
    "engine",
    "engine_names",
    "problem",
    "problem_names",
    "problem_options",
    "problem_summary",
]
