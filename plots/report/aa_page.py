"""The report of a selftest: a page of tables and one figure, without any script."""

from fwdrev.plots.core.style import styled
from fwdrev.plots.figures.aa_test import selftest_figure
from fwdrev.plots.report.page import MARKER, stylesheet
from fwdrev.plots.svg import svg_text
from fwdrev.results.display import in_words, table
from fwdrev.results.gate.aa_test.record import Record
from fwdrev.results.gate.aa_test.summary import Share, Summary
from fwdrev.results.gate.aa_test.text import advice_lines

__all__ = ["selftest_page"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def selftest_page(record: Record, summary: Summary) -> str:
    """One HTML document that needs nothing else; whatever comes from the record is escaped."""
    with styled():
        figure = svg_text(selftest_figure(record, summary), "How far the timing gate can be trusted on this machine")
    parts = (
        in_words("How far can the timing gate be trusted here?", "h1"),
        table(
            ("", "runs", "share, 95 % interval"),
            [_row(*each) for each in _rates(record, summary)],
            "What the gate said",
        ),
        *(in_words(line) for line in advice_lines(record, summary.advice)),
        figure,
        table((), _facts(record, summary), "What was measured"),
        *(in_words(f"warning: {warning}") for warning in record.warnings),
    )
    return (
        f'{MARKER}\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>fwdrev selftest</title>\n<style>\n{stylesheet()}</style>\n</head>\n"
        f"<body><main>{''.join(parts)}</main></body>\n</html>\n"
    )


def _rates(record: Record, summary: Summary) -> list[tuple[str, Share]]:
    t = record.threshold
    return [
        ("identical code called slower", summary.alarms),
        ("identical code left undecided", summary.open),
        ("identical code called faster", summary.improved),
        (f"a mode or an arm slower by {t:.1%}, found", summary.whole),
        (f"one cell slower by {2 * t:.1%}, found", summary.cell),
    ]


def _row(name: str, share: Share) -> tuple[str, str, str]:
    low, high = share.interval
    return name, f"{share.count} of {share.among}", f"{low:.1%} … {high:.1%}" if share.among else "not measured"


def _facts(record: Record, summary: Summary) -> list[tuple[str, str]]:
    spec, machine = record.spec, record.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.get("versions", {}).items())
    seconds = summary.seconds
    return [
        ("problem", spec.problem),
        ("arms", ", ".join(spec.engines)),
        (
            "cells",
            f"{len(spec.cells)}: n = {', '.join(map(str, spec.sizes_n))}; m = {', '.join(map(str, spec.sizes_m))}",
        ),
        ("rounds", str(spec.rounds)),
        ("threshold", f"{record.threshold:.1%}"),
        (
            "a run takes",
            "not measured" if seconds is None else "{:.0f} s in the median, {:.0f} s at most".format(*seconds),
        ),
        ("machine", f"{machine.get('cpu_model_name', 'unknown processor')}, {machine.get('cpus', '?')} processors"),
        ("versions", versions or "unknown"),
        ("commit", record.commit or "none: what is installed"),
        ("date", record.created[:10]),
    ]
