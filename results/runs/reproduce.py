"""How to measure a run again: its specification as the file that `fwdrev sweep --spec` reads."""

import json
from typing import Any

from fwdrev.bench.records.spec import SweepSpec

__all__ = ["spec_toml"]


def spec_toml(spec: SweepSpec) -> str:
    """TOML with every option, also those that were left at their defaults; not what is found from them."""
    fields = spec.model_dump(mode="json", exclude_none=True, exclude={"shapes"})
    options = fields.pop("options")
    lines = [f"{key} = {_value(value)}" for key, value in fields.items()]
    if options:
        lines += ["", "[options]", *(f"{_value(key)} = {_value(value)}" for key, value in options.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:  # noqa: ANN401 - of a specification: text, a number, a truth or a list of these
    """What JSON writes is TOML too, but for its escapes in two halves and the one control character that it lets be."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
