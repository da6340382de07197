"""`fwdrev explain`: each product with its cost, the totals of the engines, the best brackets, and Naumann's problem."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fwdrev.modes import engine, problem
from fwdrev.modes.bracketing.tree import forward_tree
from tests.command import expect_one_line, fwdrev

EXPLAINED = ("forward", "reverse", "bracketed")

WAIST = (
    *("--problem", "autoencoder", "--option", "hidden=300", "--option", "waist=20"),
    *("--inputs", "2000", "--outputs", "2000", "--wrt", "x"),
)

ASKED: list[tuple[tuple[str, ...], str, dict[str, Any]]] = [
    ((), "theta", {"name": "driven", "n": 256, "m": 64}),
    (
        ("--option", "depth=3", "--inputs", "9", "--outputs", "1", "--wrt", "x"),
        "x",
        {"name": "driven", "n": 9, "m": 1, "depth": 3, "n_of": "x"},
    ),
    (("--wrt", "both", "--outputs", "256"), "both", {"name": "driven", "n": 256, "m": 256}),
    (
        ("--problem", "mlp", "--inputs", "5", "--outputs", "3", "--dtype", "float32", "--option", "loss=softmax"),
        "theta",
        {"name": "mlp", "n": 5, "m": 3, "dtype": "float32", "loss": "softmax"},
    ),
    (WAIST, "x", {"name": "autoencoder", "n": 2000, "m": 2000, "hidden": 300, "waist": 20}),
]
"""Options, wrt, and the resulting problem."""

TEN = "10\n2 6 19\n3 2 18\n7 3 62\n10 7 156\n2 10 73\n2 2 14\n9 2 30\n3 9 132\n2 3 12\n9 2 102\n"
THREE = "3\n3 3 29\n1 3 14\n2 1 7\n"


def _json(*arguments: object) -> Any:
    """The answer in strict JSON."""
    done = fwdrev("explain", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout, parse_constant=pytest.fail)


def _file(folder: Path, text: str | bytes) -> Path:
    path = folder / "factors.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(("arguments", "wrt", "meant"), ASKED)
def test_numbers_are_those_of_the_engines(arguments: tuple[str, ...], wrt: str, meant: dict[str, Any]) -> None:
    """The problem's engines have these totals, and their own products in order."""
    data = _json(*arguments)
    chain = problem(**meant).chain
    assert set(data["engines"]) == set(EXPLAINED)
    for name, told in data["engines"].items():
        cost, products = engine(name).cost(chain, wrt), engine(name).products(chain, wrt)
        assert told["multiply_adds"] == cost.multiply_adds
        assert told["passes"] == cost.passes
        assert told["bytes_moved"] == cost.bytes_moved
        assert told["peak_bytes"] == cost.peak_bytes
        assert [one["line"] for one in told["products"]] == [one.line for one in products]


@pytest.mark.parametrize("arguments", [arguments for arguments, _, _ in ASKED])
def test_products_add_up(arguments: tuple[str, ...]) -> None:
    """The products' sum is the total, and their shapes follow from their factors."""
    for told in _json(*arguments)["engines"].values():
        products = told["products"]
        assert sum(one["multiply_adds"] for one in products) == told["multiply_adds"]
        assert sum(one["bytes"] for one in products) == told["bytes_moved"]
        for one in products:
            assert all(a[1] == b[0] for a, b in pairwise(one["factors"]))
            assert one["shape"] == [one["factors"][0][0], one["factors"][-1][1]]
            assert (one["kind"] == "written out") == (len(one["factors"]) == 1)


def test_the_problem_is_told() -> None:
    """The text has name, sizes and options; with respect to x, n is put on x as in a sweep."""
    told = _json("--inputs", "9", "--outputs", "2", "--wrt", "x")["problem"]
    assert told | {"name": "driven", "n": 9, "m": 2, "wrt": "x", "dtype": "float64"} == told
    assert told["options"] == {"n_of": "x"}
    assert told["jacobian"] == [2, 9]


@pytest.mark.parametrize(("arguments", "wrt", "meant"), ASKED)
def test_tables_have_every_line_in_order(arguments: tuple[str, ...], wrt: str, meant: dict[str, Any]) -> None:
    """Lines are numbered from 1, then come the totals."""
    done = fwdrev("explain", *arguments)
    assert done.returncode == 0, done.stderr
    chain = problem(**meant).chain
    tables = [part for part in done.stdout.split("\n\n") if part.lstrip().startswith("product ")]
    for name, table in zip(EXPLAINED, tables, strict=True):
        head, *rows = table.splitlines()
        assert "multiply–adds" in head
        for number, (row, one) in enumerate(zip(rows, engine(name).products(chain, wrt), strict=False), 1):
            assert row.split()[0] == str(number)
            assert f" {one.line} " in row
            assert f"{one.cost.multiply_adds:,}" in row.split()
        cost = engine(name).cost(chain, wrt)
        assert f" {cost.multiply_adds:,} " in next(row for row in rows if row.split()[0] == "total")
        assert f" {cost.peak_bytes:,}" in next(row for row in rows if row.split()[0] == "held")


def test_one_output_is_vector_times_matrix() -> None:
    """Every product of reverse is one, and none of forward before the last layer."""
    engines = _json("--outputs", "1")["engines"]
    assert {one["kind"] for one in engines["reverse"]["products"]} == {"written out", "vector × matrix"}
    assert {one["kind"] for one in engines["forward"]["products"][:-2]} == {"written out", "matrix × matrix"}


def test_a_waist_wants_mixed_mode() -> None:
    """The best brackets need more than ten times fewer multiply–adds than either mode."""
    engines = _json(*WAIST)["engines"]
    modes = min(engines[name]["multiply_adds"] for name in ("forward", "reverse"))
    assert engines["bracketed"]["direction"] == "mixed"
    assert modes > 10 * engines["bracketed"]["multiply_adds"]
    text = fwdrev("explain", *WAIST).stdout
    assert f"the cheapest brackets are {engines['bracketed']['tree']}: mixed" in text
    assert text.splitlines()[-1].startswith("bracketed needs 11.8 times fewer multiply–adds than ")


def test_signs_are_explained_where_they_occur() -> None:
    """S is explained only under tables that contain it."""
    assert "S: the diagonal" in fwdrev("explain").stdout
    assert "S: the diagonal" not in fwdrev("explain", *WAIST).stdout


def test_a_verdict_for_every_outcome() -> None:
    """Reverse wins with few outputs, forward with many, and a single layer is a tie."""
    last = {
        name: fwdrev("explain", *arguments).stdout.splitlines()[-1]
        for name, arguments in {
            "reverse": ("--outputs", "1"),
            "forward": ("--inputs", "4", "--outputs", "400"),
            "tie": ("--option", "depth=1", "--wrt", "x"),
        }.items()
    }
    assert last["reverse"].startswith("reverse needs ")
    assert last["forward"].startswith("forward needs ")
    assert last["tie"] == "forward and reverse need equally many multiply–adds; no other brackets need fewer."


def test_long_chains_are_told_whole() -> None:
    """Every product is there; brackets of more than 200 layers are not searched, and a line says so."""
    arguments = ("--option", "depth=201", "--option", "width=2", "--inputs", "201")
    data = _json(*arguments)
    assert len(data["engines"]["forward"]["products"]) == 401
    assert data["engines"]["bracketed"]["tree"] is None
    assert "201 layers are too many" in fwdrev("explain", *arguments).stdout


@pytest.mark.parametrize(
    ("text", "expected"),
    [(THREE, (3, 56, 150, 100, 123)), (TEN, (10, 1344, 3708, 5562, 2618)), ("1\n2 3 5\n", (1, 10, 15, 10, 10))],
    ids=["three", "ten", "one"],
)
def test_factors_of_the_literature(text: str, expected: tuple[int, ...], tmp_path: Path) -> None:
    """Naumann's optimum appears, and the three ways without it."""
    path = _file(tmp_path, text)
    data = _json("--factors", path)
    keys = ("factors", "cost", "tangent", "adjoint", "preaccumulation")
    assert tuple(data[key] for key in keys) == expected
    lines = fwdrev("explain", "--factors", path).stdout
    assert all(f" {data[key]:,} " in lines for key in keys[1:])
    assert data["tree"] in lines


def test_factors_from_standard_input_with_other_line_ends() -> None:
    """`-` reads them; blank lines and a byte order mark do not matter."""
    given = ("\ufeff" + THREE.replace("\n", "\r\n\r\n")).encode()
    command = [sys.executable, "-m", "fwdrev", "explain", "--factors", "-", "--json"]
    done = subprocess.run(command, input=given, capture_output=True, check=True)
    assert json.loads(done.stdout)["tree"] == "[3]·(2·1)"


def test_factors_may_be_huge_or_free(tmp_path: Path) -> None:
    """Integers of any allowed size are exact; if everything is free, there is no division by zero."""
    big = 10**199
    path = _file(tmp_path, f"2\n1 {big} {big}\n{big} 1 {big}\n")
    assert _json("--factors", path)["tangent"] == 2 * big * big
    for text in (f"2\n1 {big} {big}\n{big} 1 {big}\n", "2\n1 1 0\n1 1 0\n", "1\n3 4 0\n"):
        assert fwdrev("explain", "--factors", _file(tmp_path, text)).returncode == 0


def test_a_long_chain_of_factors(tmp_path: Path) -> None:
    """The chain's tree may be deeper than Python's stack."""
    path = _file(tmp_path, "60\n" + "1 1 1\n" * 60)
    assert _json("--factors", path)["tree"].startswith("60·(59·(58·")
    assert str(forward_tree(2000)).startswith("2000·(1999·")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "factors.txt is empty: write the number of factors"),
        ("\n \n", "is empty"),
        (b"\xff\xfe\x00", "factors.txt: it is UTF-16"),
        (b"\xff", "factors.txt is not text"),
        ("2\n1 1 1\n", "line 1: 2 factors are announced, 1 lines follow: make the two equal"),
        ("1\n1 1 1\n1 1 1\n", "line 1: 1 factors are announced, 2 lines follow"),
        ("0\n", "line 1: 0 factors: write the number of factors first, from 1 to 300"),
        ("1001\n" + "1 1 1\n" * 1001, "line 1: 1001 factors: write the number of factors first, from 1 to 300"),
        ("3 3 29\n", "line 1: '3 3 29' has 3 entries, not 1"),
        ("-1\n", "line 1: '-1' is negative"),
        ("1\n1 1\n", "line 2: '1 1' has 2 entries, not 3: write `m n edges`"),
        ("1\n1 1.5 1\n", "line 2: '1.5' is not a whole number"),
        ("1\n1 1_0 1\n", "line 2: '1_0' is not a whole number"),
        ("1\n\n1 1 -7\n", "line 3: '-7' is negative"),
        ("1\n0 1 7\n", "line 2: '0 1 7' has a size of 0"),
        ("2\n1 1 7\n1 2 7\n", "line 3: n = 2, but line 2 has m = 1: make the two equal"),
        ("1\n1 1 " + "9" * 5000, "has 5000 digits: write `m n edges`"),
        ("9" * 5000, "has 5000 digits: write the number of factors"),
        ("1\n" + "x" * 2_000_000, "bytes: give at most 300 factors"),
    ],
    ids=lambda given: "long" if len(given) > 1000 else None,
)
def test_bad_factors_get_one_line(text: str | bytes, part: str, tmp_path: Path) -> None:
    """The line has the file, the line number, and the right form; the exit code is 2."""
    expect_one_line(fwdrev("explain", "--factors", _file(tmp_path, text).name, cwd=tmp_path), 2, part)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--factors", "none.txt"), "factors none.txt: No such file or directory; give the path of a text file"),
        (("--factors", "."), "factors .: Is a directory"),
        (("--factors", "none.txt", "--option", "depth=3"), "--option cannot be given with --factors"),
        (("--factors", "none.txt", "--inputs", "3"), "--inputs cannot be given with --factors"),
        (("--problem", "drivn"), "unknown problem 'drivn'"),
        (("--option", "deep=3"), "unknown option of problem 'driven' 'deep'"),
        (("--option", "depth"), "write it as name=value"),
        (("--inputs", "0"), "inputs = 0: give a whole number from 1 to 1000000"),
        (("--outputs", "-4"), "outputs = -4: give"),
        (("--inputs", "4:16:*2"), "Invalid value for '--inputs'"),
        (("--inputs", "1000000", "--outputs", "1000000"), "too large for this machine"),
        (("--wrt", "y"), "wrt = 'y'"),
        (("--dtype", "int8"), "unknown dtype 'int8'"),
        (("--seed", "-1"), "seed = -1"),
    ],
)
def test_bad_questions_get_one_line(arguments: tuple[str, ...], part: str, tmp_path: Path) -> None:
    """The line has the given and the allowed values; the exit code is 2."""
    expect_one_line(fwdrev("explain", *arguments, cwd=tmp_path), 2, part)


def test_any_engines_are_explained() -> None:
    """Named engines appear in their own words; a planning engine shows its brackets."""
    done = fwdrev("explain", "--inputs", "8", "--outputs", "4", "--engines", "jax-bracketed,jax-jvp")
    assert "jax-bracketed:  the cheapest brackets are 4·(3·(2·1))" in done.stdout
    assert "jax-jvp:  jax.jacfwd of the same function" in done.stdout
    assert done.stdout.splitlines()[-1] == "jax-bracketed needs 2.7 times fewer multiply–adds than jax-jvp."
    alone = fwdrev("explain", "--engines", "reverse", "--json")
    assert json.loads(alone.stdout)["engines"].keys() == {"reverse"}
