"""The front door: what is public is what is listed, and importing it is light."""

import importlib

import pytest

import fwdrev


def test_every_public_name_is_there() -> None:
    """And nothing else is promised."""
    for name in fwdrev.__all__:
        assert getattr(fwdrev, name) is not None
    assert dir(fwdrev) == fwdrev.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As for any module."""
    with pytest.raises(AttributeError, match="has no attribute 'advice'"):
        _ = fwdrev.advice


@pytest.mark.parametrize("package", ["modes", "bench", "results", "plots"])
def test_packages_list_what_they_export(package: str) -> None:
    """`__all__` is sorted, complete, and exists."""
    module = importlib.import_module(f"fwdrev.{package}")
    assert all(hasattr(module, name) for name in module.__all__)
    exported = {name for name, value in vars(module).items() if not name.startswith("_") and not _is_module(value)}
    assert exported == set(module.__all__)


def _is_module(value: object) -> bool:
    return type(value) is type(fwdrev)
