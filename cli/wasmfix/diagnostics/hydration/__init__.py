"""What it costs a view-syncer of zero-cache to hydrate a query: rows read, rows kept, heap at the peak.

`ast` reads queries, `tables` the replica's tables as Zero sees them, `statements` turns a query into SQL that counts
what Zero would read, `sizes` measures rows as JavaScript values, `model` adds up the heap, `limit` says what there is.
"""
