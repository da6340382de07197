"""A report as a JUnit file, which CI services show as a list of tests.

JUnit tests pass, fail, are skipped, or err. Here a test is a finding: it fails if the code is slower, or
missing, and is skipped if it was not timed, is undecided or new. If there is nothing to compare, one errs, so that
an empty list does not look good.
"""

from datetime import datetime
from xml.etree import ElementTree as ET

from fwdrev.results.gate.verdicts.report import GateReport, Outcome, Verdict

SUITE = "fwdrev check"
_CLASS = "fwdrev.check"
_UNKNOWN = {Verdict.INCONCLUSIVE, Verdict.FLAGGED, Verdict.NEW, Verdict.MISSING}


def junit(report: GateReport, *, began: datetime | None = None, seconds: float = 0.0) -> str:
    """The XML of `testsuites` with one `testsuite`; `began` and `seconds` are those of the whole check."""
    suite = ET.Element("testsuite", name=SUITE)
    properties = ET.SubElement(suite, "properties")
    for name, value in (("title", report.title), ("outcome", report.outcome.value)):
        ET.SubElement(properties, "property", name=name, value=value)
    for line in report.told:
        case = _case(suite, line.subject)
        if line.fails:
            _add_result(case, "failure", line.verdict, line.grounds)
        elif line.open or line.untimed or line.verdict in _UNKNOWN:
            _add_result(case, "skipped", line.verdict, line.grounds)
        else:
            ET.SubElement(case, "system-out").text = f"{line.verdict}: {line.grounds}"
    if report.outcome is Outcome.NOTHING:
        _add_result(_case(suite, report.outcome), "error", report.outcome, report.title)
    ET.SubElement(suite, "system-out").text = "\n".join(report.notes)
    counted = {"tests": "", "failures": "/failure", "errors": "/error", "skipped": "/skipped"}
    suite.attrib |= {name: str(len(suite.findall(f"testcase{ended}"))) for name, ended in counted.items()}
    suite.set("time", f"{seconds:.3f}")
    if began is not None:
        suite.set("timestamp", began.isoformat(timespec="seconds"))
    root = ET.Element("testsuites", name=SUITE)
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _case(suite: ET.Element, name: str) -> ET.Element:
    """A test, without a time, since arms are measured side by side."""
    return ET.SubElement(suite, "testcase", classname=_CLASS, name=name)


def _add_result(case: ET.Element, kind: str, verdict: str, grounds: str) -> None:
    """The message twice: some services show the attribute, some the text."""
    ET.SubElement(case, kind, type=verdict, message=grounds).text = f"{verdict}: {grounds}"
