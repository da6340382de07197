"""How to measure a run again: its specification as the file that `fwdrev sweep --spec` reads."""

import json
from typing import Any

from fwdrev.bench.spec import SweepSpec

__all__ = ["spec_toml"]


def spec_toml(spec: SweepSpec) -> str:
    """TOML with every option, also those that were left at their defaults."""
    fields = spec.model_dump(mode="json", exclude_none=True)
    options = fields.pop("options")
    lines = [f"{key} = {_value(value)}" for key, value in fields.items()]
    if options:
        lines += ["", "[options]", *(f"{json.dumps(key)} = {_value(value)}" for key, value in options.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:  # noqa: ANN401 - of a specification: text, a number, a truth or a list of these
    """JSON's texts, numbers, truths and lists are TOML's too, but for a few characters that JSON need not escape."""
    return json.dumps(value).replace("\x7f", "\\u007f")
