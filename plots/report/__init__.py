"""The report: one self-contained HTML file to explore one or several runs.

    Path("report.html").write_text(report_page([load("runs/today")]), encoding="utf-8")

Start with `payload.py`, which computes the data; `page.py` puts it into the document, whose scripts draw it.
"""
