"""The document: data, scripts and style in one file that uses no network, and cannot.

Its content security policy allows only its own scripts, by their hashes; text from
outside (names, reasons, paths) is data, which the scripts show as text.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from fwdrev.plots.report.payload import run_payload
from fwdrev.results.runs.run import Run

MARKER = "<!doctype html>\n<!-- fwdrev report -->"
"""The start of every report; we do not overwrite files that start differently."""

_SCRIPTS = ("data.js", "text.js", "colours.js", "map.js", "detail.js", "curves.js", "table.js", "page.js")
"""The scripts in order: each uses the ones before it."""


def report_page(runs: Sequence[Run], *, live: bool = False) -> str:
    """One HTML document about these runs; a `live` one asks its server for newer data.

    A run without measurements is shown as such.
    """
    scripts = [_library(), _own()]
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii") for script in scripts)
    hashes = " ".join(f"'sha256-{digest}'" for digest in digests)
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        f"connect-src '{'self' if live else 'none'}'; base-uri 'none'; form-action 'none'"
    )
    body = (
        _asset("body.html"),
        f'<script type="application/json" id="data">{report_data(runs)}</script>\n',
        *(f"<script>{script}</script>\n" for script in scripts),
    )
    return document("fwdrev report", policy, "\n" + "".join(body), f' data-live="{str(live).lower()}"')


def document(title: str, policy: str, body: str, attributes: str = "") -> str:
    """The style of every report: light and dark, for phones and screens."""
    return (
        f'{MARKER}\n<html lang="en"{attributes}>\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>\n{_asset('style.css')}</style>\n</head>\n"
        f"<body>{body}</body>\n</html>\n"
    )


def report_data(runs: Sequence[Run]) -> str:
    """The document's data as JSON that is safe between tags: no character in it can end a script."""
    text = json.dumps({"runs": [run_payload(run) for run in runs]}, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


@cache
def _library() -> str:
    """The plotly.js that the Python package ships."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).replace("</script", "<\\/script")


@cache
def _own() -> str:
    return "(() => {\n'use strict';\n" + "".join(map(_asset, _SCRIPTS)) + "})();\n"


@cache
def _asset(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text(encoding="utf-8")
