"""The report of an A/A test: a page of tables and one figure, without any script."""

from fwdrev.plots.core.style import styled
from fwdrev.plots.figures.aa_test import aa_test_figure
from fwdrev.plots.report.page import document
from fwdrev.plots.svg import svg_text
from fwdrev.results.display import in_words, table
from fwdrev.results.gate.aa_test.record import Record
from fwdrev.results.gate.aa_test.summary import Share, Summary, advice_lines, rates

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def aa_page(record: Record, summary: Summary) -> str:
    """One self-contained HTML document; it escapes everything from the record."""
    with styled():
        figure = svg_text(aa_test_figure(record, summary), "How far the timing gate can be trusted on this machine")
    rows = [(name, *_share(share)) for name, share in rates(record, summary)]
    parts = (
        in_words("How far can the timing gate be trusted here?", "h1"),
        table(("", "runs", "share, 95 % interval"), rows, "What the gate said"),
        *(in_words(line) for line in advice_lines(record, summary.advice)),
        figure,
        table((), _facts(record, summary), "What was measured"),
        *(in_words(f"warning: {warning}") for warning in record.warnings),
    )
    return document("fwdrev selftest", _POLICY, f"<main>{''.join(parts)}</main>")


def _share(share: Share) -> tuple[str, str]:
    low, high = share.interval
    return f"{share.count} of {share.among}", f"{low:.1%} … {high:.1%}" if share.among else "not measured"


def _facts(record: Record, summary: Summary) -> list[tuple[str, str]]:
    spec, machine, seconds = record.spec, record.machine, summary.seconds
    versions = ", ".join(f"{name} {version}" for name, version in machine.get("versions", {}).items())
    n, m = (", ".join(map(str, sizes)) for sizes in (spec.sizes_n, spec.sizes_m))
    takes = "{:.0f} s in the median, {:.0f} s at most".format(*seconds) if seconds else "not measured"
    return [
        ("problem", spec.problem),
        ("arms", ", ".join(spec.engines)),
        ("cells", f"{len(spec.cells)}: n = {n}; m = {m}"),
        ("rounds", str(spec.rounds)),
        ("threshold", f"{record.threshold:.1%}"),
        ("a run takes", takes),
        ("machine", f"{machine.get('cpu_model_name', 'unknown processor')}, {machine.get('cpus', '?')} processors"),
        ("versions", versions or "unknown"),
        ("commit", record.commit or "none: what is installed"),
        ("date", record.created[:10]),
    ]
