"""The report: one HTML file that holds a run, or several, and everything that is needed to look at them.

    Path("report.html").write_text(report_page([load("runs/today")]), encoding="utf-8")

`payload` selects what it shows and computes its statistics; `page` puts it into the document; the scripts beside them
choose, format and draw, and divide what has no interval.
"""
