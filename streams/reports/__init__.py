"""Reports that can be handed over: documents of figures, tables and charts, and how they are written. Pure.

Who makes a report builds a :class:`streams.reports.document.Report` out of what ClickHouse answers; the formats know
nothing of what it is about.
"""
