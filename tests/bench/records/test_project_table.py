"""The table `[tool.fwdrev]`: valid keys, messages for nonsense, and agreement with its schema."""

import json
import tomllib
from collections.abc import Sequence
from typing import Any

import jsonschema
import pytest

from fwdrev.bench.records.project_table import ProjectSettings, settings_of
from fwdrev.modes.errors import InputError
from fwdrev.results.published import published

WHERE = "pyproject.toml, [tool.fwdrev]"

EVERY_KEY = """
functions = ["model:step", "lib/model.py:Model.energy", "jacfwd:model:step", "größe.module:λ"]
points = "model:point"
sizes = "1000:4000:*2"
threshold = "20%"
rounds = 5
copy = ["_version.py", "data/*.npz"]
path = ["python"]
allow_different_results = 1e-6
"""


def read(text: str) -> ProjectSettings:
    """Reads the table with these lines."""
    return settings_of(tomllib.loads(text), WHERE)


def test_every_key_is_read() -> None:
    """The table's names and values become those of the options."""
    found = read(EVERY_KEY)
    assert found.functions == ["model:step", "lib/model.py:Model.energy", "jacfwd:model:step", "größe.module:λ"]
    assert found.points == ["model:point"]
    assert found.sizes == [1000, 2000, 4000]
    assert found.threshold == pytest.approx(0.2)
    assert found.rounds == 5
    assert (found.copy_patterns, found.path) == (["_version.py", "data/*.npz"], ["python"])
    assert found.allow_different_results == pytest.approx(1e-6)
    assert found.find is None


def test_what_is_not_given_is_left_to_the_command() -> None:
    """An empty table is valid."""
    found = read("")
    assert (found.functions, found.sizes, found.threshold, found.rounds) == (None, None, None, None)
    assert (found.points, found.copy_patterns, found.path, found.allow_different_results) == ([], [], [], None)


RIGHT: Sequence[tuple[str, str, object]] = [
    ("sizes = [4000, 1000]", "sizes", [1000, 4000]),
    ('sizes = "1000"', "sizes", [1000]),
    ("threshold = 0.05", "threshold", 0.05),
    ('threshold = "120%"', "threshold", 1.2),
    ('find = "20%"', "find", 0.2),
    ("allow_different_results = true", "allow_different_results", True),
    ("allow_different_results = false", "allow_different_results", False),
    ("allow_different_results = 1", "allow_different_results", 1.0),
    ('points = ["a:p", "a:p"]\nfunctions = ["a:f", "a:g"]', "points", ["a:p", "a:p"]),
    ('points = ["a:p", "a:q"]', "points", ["a:p", "a:q"]),
]
"""Valid values of keys, and their results."""


@pytest.mark.parametrize(("text", "key", "value"), RIGHT)
def test_a_key_may_be_written_so(text: str, key: str, value: object) -> None:
    """Keys accept a number or text, a list or a grid, one point or one per function."""
    found = getattr(read(text), key)
    assert found == value
    assert type(found) is type(value)


WRONG: Sequence[tuple[str, str]] = [
    ('function = ["a:f"]', "unknown key 'function': known are .*did you mean 'functions'"),
    ('copy_patterns = ["a"]', "unknown key 'copy_patterns'"),
    ('"a\\nb" = 1', r"unknown key 'a\\nb'"),
    ('functions = "a:f"', "functions = 'a:f': input should be a valid list"),
    ("functions = []", "functions: give at least one"),
    ("functions = [3]", r"functions\.0 = 3: input should be a valid string"),
    ('functions = ["forward"]', r"functions\.0: 'forward': write it as MODULE:FUNCTION or FILE\.py:FUNCTION"),
    ('functions = ["model.step"]', "functions.*write it as MODULE:FUNCTION"),
    ('functions = ["a:f,g"]', "functions.*each function is a text of its own"),
    ('functions = ["a:f", "a:f"]', "functions: 'a:f' stands there twice"),
    ('functions = ["a b:f"]', "functions.*write it as"),
    ('functions = ["a:f()"]', "functions.*write it as"),
    ('functions = ["a:3f"]', "functions.*write it as"),
    ('functions = ["vmap:a:f"]', "functions.*write it as"),
    ('functions = [":f"]', "functions.*write it as"),
    ('functions = ["a:"]', "functions.*write it as"),
    ('functions = ["a\\n.py:f"]', "functions.*write it as"),
    (f'functions = ["{"a" * 501}:f"]', "functions.*at most 500 characters"),
    ('points = "jacfwd:a:p"', "points.*write it as"),
    ("points = 3", "points = 3: input should be a valid list"),
    ("points = [1]", r"points\.0 = 1"),
    ('sizes = "many"', "sizes: grid 'many': write 4:4096"),
    ("sizes = 1000", "sizes: grid 1000: give text such as"),
    ("sizes = []", "sizes: grid .* is empty"),
    ("sizes = [0]", "sizes: grid .* has 0: sizes go from 1"),
    ("sizes = [10000000]", "sizes: grid .* has 10000000"),
    ("sizes = [1.5]", "sizes: grid .*whole numbers"),
    ("sizes = [true]", "sizes: grid .*whole numbers"),
    ("threshold = 1.2", "threshold: 1.2: .*did you mean 20%"),
    ("threshold = 5", "threshold: 5: .*did you mean 5%"),
    ("threshold = 0", "threshold: 0: give a share such as 5%"),
    ("threshold = -0.1", "threshold: -0.1: give a share"),
    ("threshold = true", "threshold: True: give a share"),
    ('threshold = "5 percent"', "threshold: '5 percent': give a share"),
    ("find = 1.2", "find: 1.2: .*did you mean 20%"),
    ("rounds = 2", "rounds = 2: input should be greater than or equal to 3"),
    ('rounds = "12"', "rounds = '12': input should be a valid integer"),
    ("rounds = true", "rounds = True: input should be a valid integer"),
    ("rounds = 1000000", "rounds = 1000000: input should be less than"),
    ('copy = "_version.py"', "copy = '_version.py': input should be a valid list"),
    ('copy = [""]', r"copy\.0 = '': string should have at least 1 character"),
    ('path = ["a", "a"]', "path: 'a' stands there twice"),
    ('path = ["a\\nb"]', r"path\.0 = 'a\\nb'"),
    ("path = [1]", r"path\.0 = 1"),
    ("allow_different_results = 0", "allow_different_results: 0: give true, or the relative difference"),
    ("allow_different_results = -1.5", "allow_different_results: -1.5: give true"),
    ('allow_different_results = "yes"', "allow_different_results: 'yes': give true"),
    ('threshold = "5%"\nfind = "20%"', "threshold and find: give one of them"),
]
"""Tables that the schema refuses too, with their messages."""

BEYOND_SCHEMA: Sequence[tuple[str, str]] = [
    ("rounds = 3.0", "rounds = 3.0: input should be a valid integer"),
    ("threshold = nan", "threshold: nan: give a share"),
    ('functions = ["a:f", "a:g"]\npoints = ["a:p", "a:q", "a:r"]', "points: 3 for 2 functions: give one for all"),
    ('functions = ["a:f"]\npoints = ["a:p", "a:q"]', "points: 2 for 1 function: give one for all"),
    ('functions = ["a..b:f"]', "functions.*write it as"),
    ('functions = ["lib/a.b.py:f"]', "functions.*write it as"),
    ('sizes = "16:4:*2"', "sizes: grid '16:4:.*' is empty"),
    ('sizes = "1:1000000:+1"', "sizes: grid .* has more than 1000 sizes"),
    ("allow_different_results = inf", "allow_different_results: inf: give true"),
    ('threshold = "0%"', "threshold: '0%': give a share"),
]
"""Faults that a schema cannot express; 3.0 is an integer to it."""


@pytest.mark.parametrize(("text", "told"), [*WRONG, *BEYOND_SCHEMA], ids=lambda text: text[:40])
def test_nonsense_is_told_in_one_line(text: str, told: str) -> None:
    """The line names the file, the table and the key."""
    with pytest.raises(InputError, match=told) as refused:
        read(text)
    line = str(refused.value)
    assert line.startswith(f"{WHERE}: ")
    assert len(line.splitlines()) == 1
    assert len(line) < 600


def test_points_follow_their_functions() -> None:
    """An option may name some of the functions, in another order."""
    own = read('functions = ["a:f", "a:g", "a:h"]\npoints = ["a:p", "a:q", "a:p"]')
    assert own.points_of(["a:h", "a:g"]) == ["a:p", "a:q"]
    assert own.points_of(["a:f", "a:g", "a:h"]) == ["a:p", "a:q", "a:p"]
    with pytest.raises(InputError, match=r"function 'a:other': .* give --point"):
        own.points_of(["a:f", "a:other"])
    assert read('points = "a:p"').points_of(["b:other"]) == ["a:p"]
    assert read('points = ["a:p", "a:q"]').points_of(["b:f", "b:g"]) == ["a:p", "a:q"]
    assert read("").points_of(["b:f"]) == []


def _schema() -> Any:
    return json.loads(published("pyproject").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", [EVERY_KEY, "", *(text for text, _, _ in RIGHT)], ids=lambda text: text[:40])
def test_what_is_read_follows_the_schema(text: str) -> None:
    """An editor with the schema marks nothing."""
    read(text)
    jsonschema.validate(tomllib.loads(text), _schema())


@pytest.mark.parametrize(("text", "told"), WRONG, ids=lambda text: text[:40])
def test_what_the_schema_forbids_is_not_read(text: str, told: str) -> None:
    """An editor marks what the command refuses."""
    with pytest.raises(InputError, match=told):
        read(text)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), _schema())


def test_the_schema_says_what_every_key_means() -> None:
    """An editor shows only these texts; no key may be null, which TOML lacks."""
    schema = _schema()
    assert set(schema["properties"]) == {field.alias or name for name, field in ProjectSettings.model_fields.items()}
    assert all(len(key["description"]) > 30 for key in schema["properties"].values())
    assert "null" not in json.dumps(schema)
