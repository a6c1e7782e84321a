"""The nightly report: one HTML file a night, whose every number is a row of a named question.

`recording` makes what only the ledger and the process know a table; `gathering` asks; `cards` say; `page` binds them;
`publishing` writes. Drawing is `scales`, `words` and `drawing`.
"""
