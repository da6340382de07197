"""Names for data of any shape, where a checker can say no more."""

from typing import Any

Json = Any
"""What JSON can hold: dicts with names, lists, texts, numbers, true, false and null."""

Pytree = Any
"""What JAX takes for a tree: dicts, lists, tuples, records that are registered, with arrays and numbers as leaves."""
