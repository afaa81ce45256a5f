"""Bytes in and out: arrays, documents and content-addressed parts, as pure functions without any I/O.

    Segment   bytes that are copied only when they are needed      segments.py
    array     `.npy` bytes, bit by bit                             arrays.py, npy.py, bundles.py, tensors.py
    document  any mixture of arrays and plain values as JSON       documents.py, trees.py, walker.py, tags.py,
                                                                   records.py, paths.py, texts.py
    jsonb     strict JSON that PostgreSQL's jsonb leaves unchanged jsonb.py
    part      a piece of a segment under its sha-256               parts.py
    row       the documents and the content column of one row      frozen.py, rows.py

numpy, msgspec and zstandard are imported inside functions, because `import aiconsql` stays under 60 ms.
"""
