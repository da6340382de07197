"""A target's function and its point are found, or refused in one line."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwdrev.bench.functions.point import point_of
from fwdrev.bench.functions.target import Target, checked, functions_of
from fwdrev.modes.errors import InputError

MODULE = """
import numpy as np
from target_neighbour import half

value = 3

def ours(x, y=2.0):
    return half(x)

def point():
    return {"a": np.ones(2)}, np.ones(3, dtype="float32")

def single():
    return np.ones(4)

def fails():
    return np.ones(2) @ np.ones(3)

class Model:
    def residuals(self, x):
        return half(x)
    def point(self):
        return np.ones(3), 2, "kind"

model = Model()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with two modules, the current one; modules imported from it are forgotten afterwards."""
    (tmp_path / "target_module.py").write_text(MODULE)
    (tmp_path / "target_neighbour.py").write_text("def half(x):\n    return x / 2\n")
    (tmp_path / "target_broken.py").write_text("import nothing_like_this\n")
    (tmp_path / "target_syntax.py").write_text("def f(x):\n    return (\n")
    (tmp_path / "target_raises.py").write_text("def f(x):\n    raise ValueError('no data')\n\nf(1)\n")
    (tmp_path / "target_relative.py").write_text("from . import target_module\n")
    inner = tmp_path / "target_package" / "inner"
    inner.mkdir(parents=True)
    (inner.parent / "__init__.py").touch()
    (inner / "__init__.py").write_text("top = 3\n")
    (inner / "scale.py").write_text("factor = 5\n")
    (inner / "mod.py").write_text(
        "from . import top\nfrom .scale import factor\ndef f(x):\n    return factor * top * x\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("target_"):
            del sys.modules[name]


def ours(x: Any, y: Any) -> Any:
    """A function of two arguments."""
    return x * y


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("where", ["target_module", "target_module.py", "./target_module.py"])
def test_functions_are_found(where: str) -> None:
    """Functions lie in a module, or in a file that can import its neighbours; stages keep their order."""
    found = functions_of(Target(what=f"{where}:single, ours"))
    assert list(found) == ["single", "ours"]
    assert found["ours"](4.0) == 2.0


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("nowhere:f", "no module named 'nowhere'"),
        ("nowhere.inside:f", "no module named 'nowhere'"),
        ("nowhere.py:f", "there is no file nowhere.py"),
        ("target_broken:f", "importing target_broken fails: ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("target_module:our", "did you mean 'ours'?"),
        ("target_module:value", "is of type int: name a function"),
        ("target_module:model.residual", "unknown function of target_module.model 'residual': known are point, resid"),
        ("target_module:models.residuals", "did you mean 'model'?"),
        ("target_syntax.py:f", "(target_syntax.py, line 2)"),
        ("target_raises.py:f", "ValueError: no data (target_raises.py, line 2)"),
        ("target_relative.py:f", "target_relative:FUNCTION"),
    ],
)
def test_what_is_not_there_is_refused(what: str, said: str) -> None:
    """The line names the remedy."""
    with pytest.raises(InputError) as told:
        functions_of(Target(what=what))
    assert said in str(told.value)


@pytest.mark.usefixtures("project")
def test_dotted_names_are_followed() -> None:
    """Dotted names lead to a method of an object, in a module or a file; this goes for the point too."""
    found = functions_of(Target(what="target_module.py:model.residuals"))
    assert list(found) == ["model.residuals"]
    assert found["model.residuals"](4.0) == 2.0
    point = point_of(Target(what="m:f", point="target_module:model.point", dtype="float32"), ours)
    assert (point[0].dtype.name, point[1:]) == ("float32", (2, "kind"))


@pytest.mark.parametrize("where", ["target_package/inner/mod.py", "target_package.inner.mod"])
def test_a_file_of_a_package_imports_relatively(where: str, project: Path) -> None:
    """The file is imported as part of its package, wherever that is."""
    (found,) = functions_of(Target(what=f"{where}:f")).values()
    assert found(2.0) == 30.0
    assert found.__module__ == "target_package.inner.mod"
    assert (project / "target_package").is_dir()


@pytest.mark.usefixtures("project")
def test_a_point_that_fails_names_its_line() -> None:
    """The line is in the user's file."""
    with pytest.raises(InputError, match=r"\(target_module\.py, line 17\)"):
        point_of(Target(what="m:f", point="target_module:fails"), ours)


@pytest.mark.parametrize("what", ["module", ":f", "module:", "module:f,f", "module:f-g", "module:f.", "module:.f"])
def test_a_target_is_written_in_one_way(what: str) -> None:
    """Other forms are refused before any import."""
    with pytest.raises(InputError, match="write it as MODULE:FUNCTION"):
        checked(Target(what=what, shapes=[(3,)]))


@pytest.mark.parametrize("given", [{}, {"at": "x.npz", "shapes": [(3,)]}, {"point": "m:p", "at": "x.npz"}])
def test_there_is_one_point(given: dict[str, Any]) -> None:
    """None or two are refused."""
    with pytest.raises(InputError, match="in one way"):
        checked(Target(what="m:f", **given))


def test_shapes_are_filled_by_the_seed() -> None:
    """The numbers are reproducible, in the requested precision."""
    target = Target(what="m:f", shapes=[(3,), (2, 2)], seed=1, dtype="float32")
    one, other = point_of(target, ours), point_of(target, ours)
    assert [(a.shape, a.dtype.name) for a in one] == [((3,), "float32"), ((2, 2), "float32")]
    np.testing.assert_array_equal(one[0], other[0])
    assert not np.array_equal(one[0], point_of(Target(what="m:f", shapes=[(3,), (2, 2)], seed=2), ours)[0])


@pytest.mark.usefixtures("project")
def test_a_function_makes_the_point() -> None:
    """A tuple means several arguments, anything else one; floating-point numbers get the requested precision."""
    p, y = point_of(Target(what="m:f", point="target_module:point", dtype="float64"), ours)
    assert (p["a"].shape, y.dtype.name) == ((2,), "float64")
    (x,) = point_of(Target(what="m:f", point="target_module:single"), ours)
    assert x.shape == (4,)
    with pytest.raises(InputError, match="called without arguments"):
        point_of(Target(what="m:f", point="target_module:ours"), ours)


@pytest.mark.parametrize("names", [("x", "y"), ("arr_0", "arr_1")])
def test_a_file_has_the_point(project: Path, names: tuple[str, str]) -> None:
    """Entries are named after the arguments or numbered, in any order in the file."""
    arrays: dict[str, Any] = dict(zip(names, (np.ones(1), np.ones(2)), strict=True))
    np.savez(project / "at.npz", **dict(reversed(arrays.items())))
    assert [a.size for a in point_of(Target(what="m:f", at="at.npz"), ours)] == [1, 2]


def test_a_file_may_have_numbers_and_names(project: Path) -> None:
    """A single integer may be a size, and text a name: they become Python's own types."""
    np.savez(project / "at.npz", arr_0=np.ones(2), arr_1=np.array(3), arr_2=np.array("kind"))
    _, size, kind = point_of(Target(what="m:f", at="at.npz"), ours)
    assert (type(size), size, type(kind), kind) == (int, 3, str, "kind")


@pytest.mark.parametrize("keep", [0, 10, 0.3, 0.6, 0.95])
def test_a_damaged_file_is_refused(project: Path, keep: float) -> None:
    """The file may end early anywhere, or have changed bytes."""
    np.savez_compressed(project / "whole.npz", x=np.arange(100.0), y=np.arange(50.0))
    whole = (project / "whole.npz").read_bytes()
    size = int(keep if keep > 1 else keep * len(whole))
    (project / "cut.npz").write_bytes(whole[:size])
    (project / "changed.npz").write_bytes(whole[:size] + b"?" * 20 + whole[size + 20 :])
    for name in ("cut.npz", "changed.npz"):
        try:
            point_of(Target(what="m:f", at=name), ours)
        except InputError as error:
            assert "write it with numpy.savez" in str(error)  # noqa: PT017 - a change may also hit unread bytes
        else:
            assert name == "changed.npz"


def test_a_file_that_does_not_fit_is_refused(project: Path) -> None:
    """Other names, pickled objects, text, and files without arrays are refused."""
    np.savez(project / "names.npz", a=np.ones(2), b=np.ones(2))
    np.savez(project / "objects.npz", arr_0=np.array([{}], dtype=object))
    (project / "text.npz").write_text("no arrays")
    said = {
        "names.npz": "has a, b, the function takes x, y",
        "objects.npz": "plain arrays only",
        "text.npz": "plain arrays only",
        "none.npz": "cannot read none.npz",
    }
    for name, words in said.items():
        with pytest.raises(InputError) as told:
            point_of(Target(what="m:f", at=name), ours)
        assert words in str(told.value)
