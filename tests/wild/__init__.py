"""Situations in which benchmark commands were reported to fail: hooks, pipes, locales, full disks, other projects.

Each test, or each row of a parametrised one, carries the report behind it:

@report("pre-commit/pre-commit#1234")
def test_…() -> None: ...

@pytest.mark.parametrize("form", [pytest.param("commit -a", marks=report("ruby-git/ruby-git#56")), …])

`pytest tests/wild --collect-only -q` prints the table.
"""
