"""What TONalytica can be asked to do, one file a family: queries, executions, dashboards, and its client's scripts.

``cloning``, ``searching``, ``tables`` and ``exporting`` are the scripts. ``boards``, ``edits`` and ``statements`` are
what the families share or decide by.
"""
