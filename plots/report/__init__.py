"""The report: one HTML file that holds a run, or several, and everything that is needed to look at them.

    Path("report.html").write_text(report_page([load("runs/today")]), encoding="utf-8")

Start with `payload.py`, which computes what it shows; `page.py` puts that into the document, whose scripts draw it.
"""
