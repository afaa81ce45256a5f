"""
The tree rules that carry PostgreSQL's SQL to SQLite: an allow list of node types, functions and their types.

One walk types every node and rewrites it, children first. What no rule names is refused with its place.
"""

from aiconsql.engine.dialect.rules import calls, casts, json, operators, select, sources, statements, times, values

__all__ = ["calls", "casts", "json", "operators", "select", "sources", "statements", "times", "values"]
