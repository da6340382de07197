"""Names for data of any shape, which a type checker cannot describe further."""

from typing import Any

Json = Any
"""Any JSON value: an object, an array, a string, a number, true, false or null."""

Pytree = Any
"""A JAX pytree: dicts, lists, tuples and registered classes, with arrays and numbers as leaves."""
