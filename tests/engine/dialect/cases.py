# ruff: noqa: E501, ISC004, RUF005 - a table of statements is read in lines
"""Queries that both databases answer alike: (SQL, values of its parameters)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

WHEN = datetime(2026, 1, 1, 8, 0, 0, 1, tzinfo=UTC)
ELSEWHERE = WHEN.astimezone(timezone(timedelta(hours=-7)))
Case = tuple[str, dict[str, Any]]


def _things(*expressions: str) -> list[Case]:
    """Each expression over every thing of the tenant, by id."""
    return [
        (f"SELECT t.id, {e} AS x FROM things AS t WHERE t.tenant_id = current_tenant() ORDER BY t.id", {})
        for e in expressions
    ]


def _where(*conditions: str, **values: Any) -> list[Case]:
    """Each condition over the things of the tenant."""
    return [
        (f"SELECT t.id FROM things AS t WHERE t.tenant_id = current_tenant() AND {c} ORDER BY t.id", values)
        for c in conditions
    ]


COLUMNS = _things(
    "t.n", "t.small", "t.real", "t.ok", "t.at", "t.doc", "t.belief", "t.bytes", "NOT t.ok", "-t.n", "t.n + 1", "t.n - t.middle",
    "t.n * 2", "t.n / 2", "t.n % 3", "-7 / 2", "t.middle / -2", "t.real / 2", "t.real * t.n", "t.middle / t.small",
    "t.n::double precision / 3", "t.n = 7", "t.ok = TRUE", "t.ok IS TRUE", "t.ok IS NOT TRUE", "t.small IS NULL",
    "t.small IS NOT NULL", "t.small IS DISTINCT FROM 1", "t.small IS NOT DISTINCT FROM NULL", "t.n BETWEEN -3 AND 7",
    "t.small IN (1, 3)", "t.small NOT IN (1, 3)", "t.ok AND t.small = 1 OR t.n < 0", "(t.n + 1) * 2",
    "CASE WHEN t.ok THEN 'yes' WHEN t.n < 0 THEN 'no' END", "CASE t.small WHEN 1 THEN 10 ELSE 0 END",
    "coalesce(t.small, 0)", "coalesce(t.small, t.middle, 5)", "coalesce(t.n)", "nullif(t.small, 1)",
    "greatest(t.small, t.middle)", "least(t.small, t.middle, 5)", "greatest(t.id, 'a')", "abs(t.middle)",
    "1.5 * t.real", "t.small IS NULL = TRUE", "(SELECT o.n FROM things AS o WHERE o.tenant_id = t.tenant_id AND t.id = o.id)",
    "(SELECT 1 + max(o.n) FROM things AS o WHERE o.tenant_id = current_tenant() AND o.n < 100)",
    "(SELECT p.version FROM parts_of AS p WHERE p.tenant_id = t.tenant_id AND p.thing_id = t.id ORDER BY p.version DESC LIMIT 1)",
    "(SELECT count(*) FROM parts_of AS p WHERE p.tenant_id = t.tenant_id AND p.thing_id = t.id)",
)  # fmt: skip

TEXTS = _things(
    "t.id || '-' || t.id", "t.id || t.n", "t.n || t.id", "length(t.id)", "octet_length(t.id)", "octet_length(t.bytes)", "length(t.bytes)",
    "substr(t.id, 1, 2)", "substr(t.bytes, 2, 3)", "substring(t.bytes FROM 2)", "substr(t.id, t.small::integer + 1)",
    "t.bytes || t.bytes", "lower(t.id)", "upper(t.id)", "replace(t.id, '_', 'x')", "strpos(t.id, '_')",
    "starts_with(t.id, 'A')", "md5(t.id)", "md5(t.bytes)", "sha256(t.bytes)", "encode(t.bytes, 'hex')", "encode(t.bytes, 'base64')",
    "encode(sha256(convert_to(t.id, 'UTF8')), 'hex')", "decode('00ff', 'hex')", "'\\x00ff'::bytea", "t.bytes = '\\x0102030405'",
    "t.id LIKE 'a%'", "t.id LIKE 'A%'", "t.id NOT LIKE 'A'", "t.id LIKE '%\\_\\%%'", "t.id LIKE '%!_%' ESCAPE '!'",
    "t.id < 'a'", "t.id >= 'b'", "t.id BETWEEN 'A' AND 'a'",
)  # fmt: skip

CASTS = _things(
    "t.n::text", "t.ok::text", "t.real::text", "t.doc::text", "t.belief::text", "t.small::bigint", "t.middle::double precision",
    "(t.real * 3)::bigint", "t.real::integer", "t.small::smallint", "'12'::bigint", "' 12 '::text::bigint", "'-3'::integer",
    "'1.5'::double precision", "'t'::boolean", "(t.n::text)::bigint", "'[1]'::jsonb", "'{\"a\": 1}'::json", "NULL::text",
    "'2026-01-01T10:00:00+02:00'::timestamptz", "('2026-01-01T10:00:00' || '+02:00')::text::timestamptz", "t.ok::integer",
)  # fmt: skip

JSON = _things(
    "t.doc -> 's'", "t.doc ->> 's'", "t.doc ->> 'n'", "t.doc ->> 'b'", "t.doc ->> 'z'", "t.doc -> 'z'", "t.doc ->> 'nope'",
    "t.doc ->> 'o'", "t.doc -> 'o' ->> 'k'", "(t.doc -> 'o' -> 'k')::text", "t.doc -> 'a' ->> 0", "t.doc -> 'a' ->> 1",
    "t.doc -> 'a' ->> -1", "t.doc ->> 'a.b'", "t.doc ->> '$.s'", "t.doc ->> 'q\"'", "t.doc ->> 0", "t.doc -> 'a' ->> '0'",
    "t.doc #>> '{o,k,1}'", "t.doc #> '{a,0}'", "t.doc #>> '{o,nope,1}'", "json_typeof(t.doc)",
    "t.belief -> 'value'", "t.belief ->> 'value'", "t.belief ->> 'b'", "t.belief ->> 'f'", "t.belief ->> 'l'",
    "t.belief -> 'l' ->> 1", "t.belief #>> '{l,1,k}'", "t.belief #> '{l,0}'", "t.belief ->> 1", "jsonb_typeof(t.belief -> 'value')",
    "t.belief || '{\"value\": 2}'::jsonb", "t.belief || '[3]'::jsonb", "t.belief - 'value'", "t.belief @> '{\"b\": false}'",
    "t.belief @> '{\"l\": [{\"k\": \"v\"}]}'", "t.belief @> '{\"value\": 1.0}'", "t.belief @> '1'", "t.belief ? 'value'",
    "t.belief ? 'two'", "jsonb_set(t.belief, '{0}', '9')", "(t.belief -> 'f')::double precision IS NULL OR t.ok",
    "jsonb_build_object('a', t.n, 'b', t.ok, 'c', t.id, 'd', t.real, 'e', t.belief, 'f', NULL, 'g', t.doc)",
    "json_build_object('a', t.n, 'b', t.id)::text", "jsonb_build_array(1, t.id, t.ok)", "json_build_array(t.n, 'x')::text",
    "jsonb_build_object('n', t.real)::text", "(jsonb_build_object('n', t.n) -> 'n')::bigint", "t.doc::jsonb ->> 'n'",
    "t.belief::json ->> 'value'",
) + [
    *((f"SELECT jsonb_set(t.belief, {how}) AS x FROM things AS t WHERE t.tenant_id = current_tenant() AND t.id = 'A'", {})
      for how in ("'{value}', '{\"x\": [1]}'", "'{value}', '3', false", "'{no}', '3', false", "'{l,1,k}', '\"w\"'",
                  "'{no,where}', '1'", "'{new}', 'null'", "'{l,-1}', '0'", "'{l,7}', '0'", "'{l,-7}', '0'", "'{}', '0'")),
    ("SELECT jsonb_array_length(:v::jsonb) AS x", {"v": "[1, 2]"}),
    ("SELECT json_array_length(:v::json) AS x", {"v": "[1, [2, 3]]"}),
    ("SELECT (:v::jsonb)::text AS x", {"v": '{"bb": 1, "a": [1.0, 1e2, -0.0, "é\\u0001\\n\\u00e9"], "b": {}}'}),
    ("SELECT :v::json ->> :k AS x", {"v": '{"k": "v"}', "k": "k"}),
    ("SELECT jsonb_array_length(t.belief) AS x FROM things AS t WHERE t.tenant_id = current_tenant() AND t.id > 'c'", {}),
]  # fmt: skip

TIMES = _things(
    "t.at + interval '90 seconds'", "t.at - interval '2 hours'", "t.at + make_interval(secs => 0.25)",
    "t.at - make_interval(hours => 1, mins => 30)", "t.at + 3 * interval '1 minute'",
    "extract(epoch FROM t.at)::double precision", "extract(epoch FROM (t.made_at - t.made_at))::double precision",
    "extract(epoch FROM ('2026-03-01T00:00:00Z'::timestamptz - t.at))::double precision",
    "date_trunc('hour', t.at, 'UTC')", "date_trunc('day', t.at, 'UTC')", "date_trunc('month', t.at, 'UTC')",
    "date_trunc('second', t.at, 'UTC')", "t.at < '2026-01-01T00:00:00-05:00'", "t.at = '2026-01-01T08:00:00.000001Z'",
) + _where(
    "t.at = :at", "t.at <= :at::timestamptz", "(t.at, t.id) <= (:at, 'A')", "t.at + make_interval(secs => 5) > :at", at=ELSEWHERE
)  # fmt: skip

FILTERS = [
    *_where(
        "t.id = ANY(:ids::text[])",
        "t.id <> ALL(:ids::text[])",
        "NOT (t.id = ANY(:ids::text[]))",
        ids=["A", "zz", "é_%\\"],
    ),
    *_where("t.id = ANY(:ids::text[])", "t.id <> ALL(:ids::text[])", "NOT (t.id = ANY(:ids::text[]))", ids=None),
    *_where("t.id = ANY(:ids::text[])", "t.id <> ALL(:ids::text[])", ids=[]),
    *_where("t.n = ANY(:ns::bigint[])", "t.n <> ALL(:ns::bigint[])", ns=[7, 2**53 + 1]),
    *_where("t.at = ANY(:ats::timestamptz[])", ats=[ELSEWHERE]),
    *_where("(:kind::text IS NULL OR t.id = :kind)", kind=None),
    *_where("t.id IN (SELECT p.thing_id FROM parts_of AS p WHERE p.tenant_id = current_tenant() AND p.version > 1)"),
    *_where(
        "EXISTS (SELECT FROM parts_of AS p WHERE p.tenant_id = t.tenant_id AND p.thing_id = t.id AND p.note = 'Fine')"
    ),
    *_where("(t.id, t.n) IN (SELECT p.thing_id, 7 FROM parts_of AS p WHERE p.tenant_id = current_tenant())"),
    *_where("(t.n, t.id) < (:n, :id)", "(t.n, t.id) >= (:n, :id)", "(t.n, t.id) = (:n, :id)", n=7, id="A"),
    *_where("t.id LIKE :pattern", pattern="%\\%\\\\"),
    *_where("t.id LIKE '%_\\%%' AND t.n = :n", n=2**53 + 1),
    *_where("t.real = t.n OR t.real < t.small"),
    *_where("t.id = ':no ? $1 -- ' OR t.id = :id /* :no */", id="A"),
]

SELECTS = [
    ("SELECT '12:30:00' AS a, :b::text AS b, ':c' AS \":d\" -- :e ? 100%\n", {"b": "x"}),
    ("SELECT 'it''s :a' AS a, $$it's :b$$ AS b, 5 % 2 AS c", {}),
    ("SELECT t.id FROM things AS t WHERE t.tenant_id = current_tenant() ORDER BY t.small, t.id DESC", {}),
    ("SELECT t.id FROM things AS t WHERE t.tenant_id = current_tenant() ORDER BY t.small DESC, t.id", {}),
    ("SELECT t.id FROM things AS t WHERE t.tenant_id = current_tenant() ORDER BY t.small NULLS FIRST, t.id", {}),
    (
        "SELECT t.id AS i, t.small AS s FROM things AS t WHERE t.tenant_id = current_tenant() ORDER BY s DESC NULLS LAST, 1",
        {},
    ),
    (
        "SELECT t.id FROM things AS t WHERE t.tenant_id = current_tenant() ORDER BY t.id LIMIT :n OFFSET :m",
        {"n": 1, "m": 1},
    ),
    ("SELECT t.id FROM things AS t WHERE t.tenant_id = current_tenant() ORDER BY t.id LIMIT :n", {"n": None}),
    (
        "SELECT t.id FROM things AS t WHERE t.tenant_id = current_tenant() ORDER BY t.id LIMIT 2 FOR UPDATE SKIP LOCKED",
        {},
    ),
    ("SELECT DISTINCT t.ok FROM things AS t WHERE t.tenant_id = current_tenant() ORDER BY t.ok", {}),
    (
        "SELECT t.id, p.name, p.note FROM things AS t LEFT JOIN parts_of AS p ON p.tenant_id = t.tenant_id AND p.thing_id = t.id"
        " WHERE t.tenant_id = current_tenant() ORDER BY t.id, p.name",
        {},
    ),
    (
        "SELECT t.id, p.name FROM things AS t LEFT JOIN parts_of AS p ON p.tenant_id = t.tenant_id AND p.thing_id = t.id"
        " WHERE t.tenant_id = current_tenant() ORDER BY p.name DESC, t.id",
        {},
    ),
    (
        "SELECT count(*), count(t.small), count(DISTINCT t.ok), min(t.id), max(t.at), sum(t.small), sum(t.n)::bigint,"
        " avg(t.real), bool_and(t.ok), bool_or(t.ok), count(*) FILTER (WHERE t.ok) FROM things AS t"
        " WHERE t.tenant_id = current_tenant()",
        {},
    ),
    (
        "SELECT p.thing_id, count(*) AS n, max(p.version) AS newest FROM parts_of AS p WHERE p.tenant_id = current_tenant()"
        " GROUP BY p.thing_id HAVING count(*) > :n ORDER BY n DESC, p.thing_id",
        {"n": 0},
    ),
    (
        "SELECT p.name, row_number() OVER (PARTITION BY p.thing_id ORDER BY p.version DESC) AS r,"
        " sum(p.weight) OVER w AS s, lag(p.version) OVER w AS before, rank() OVER (ORDER BY p.thing_id) AS k"
        " FROM parts_of AS p WHERE p.tenant_id = current_tenant()"
        " WINDOW w AS (ORDER BY p.thing_id, p.name ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) ORDER BY p.thing_id, p.name",
        {},
    ),
    (
        "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT c.x + 1 FROM c WHERE c.x < :n::integer),"
        " d AS (SELECT c.x * 2 AS y FROM c) SELECT d.y FROM d ORDER BY d.y",
        {"n": 4},
    ),
    ("SELECT g FROM generate_series(1, :n::bigint) AS g ORDER BY g", {"n": 3}),
    ("SELECT g FROM generate_series(3, 2) AS g ORDER BY g", {}),
    (
        "SELECT u.id, u.place FROM unnest(:ids::text[]) WITH ORDINALITY AS u(id, place) ORDER BY u.place",
        {"ids": ["x", "a"]},
    ),
    ("SELECT n FROM unnest(:ns::bigint[]) AS n ORDER BY n", {"ns": [3, 1]}),
    (
        "SELECT t.id, NULL AS a, t.at FROM things AS t WHERE t.tenant_id = current_tenant() AND t.ok"
        " UNION ALL SELECT 'x', 'y', NULL ORDER BY 1",
        {},
    ),
    (
        "SELECT t.n FROM things AS t WHERE t.tenant_id = current_tenant() UNION SELECT p.version FROM parts_of AS p"
        " WHERE p.tenant_id = current_tenant() ORDER BY n LIMIT 3",
        {},
    ),
    ("SELECT p.name FROM parts_of AS p WHERE p.tenant_id = current_tenant() INTERSECT SELECT 'one'", {}),
    ("SELECT s.m FROM (SELECT max(t.n) AS m FROM things AS t WHERE t.tenant_id = current_tenant()) AS s", {}),
    ("SELECT current_tenant() AS tenant", {}),
    ("SELECT clock_timestamp() > '2026-01-01T00:00:00Z' AS late, aiconsql_now() IS NULL AS x", {}),
    (
        "SELECT require_row('thing', u.id, EXISTS (SELECT FROM things AS t WHERE t.tenant_id = current_tenant() AND t.id = u.id))"
        " AS there FROM unnest(:ids::text[]) AS u(id)",
        {"ids": ["A", "b"]},
    ),
    (
        "SELECT u.hash FROM unnest(:hashes::bytea[], :names::text[]) AS u(hash, name)"
        " WHERE NOT EXISTS (SELECT FROM things AS t WHERE t.tenant_id = current_tenant() AND t.bytes = u.hash AND t.id <> u.name)",
        {"hashes": [b"\x01\x02\x03\x04\x05", b"new"], "names": ["x", "y"]},
    ),
]

_BACK = " RETURNING id, n, small, real, ok, doc, belief, bytes"
CHANGES = [
    (
        "INSERT INTO things (tenant_id, id, n) VALUES (current_tenant(), :id, :n) ON CONFLICT DO NOTHING",
        {"id": "A", "n": 1},
    ),
    (
        "INSERT INTO things (tenant_id, id, n) VALUES (current_tenant(), :id, :n) ON CONFLICT DO NOTHING",
        {"id": "new", "n": 1},
    ),
    (
        "INSERT INTO things AS t (tenant_id, id, n) VALUES (current_tenant(), :id, :n)"
        " ON CONFLICT (tenant_id, id) DO UPDATE SET n = t.n + excluded.n WHERE t.n < 100" + _BACK,
        {"id": "A", "n": 1},
    ),
    (
        "INSERT INTO things (tenant_id, id, doc, belief, bytes, ok, real) VALUES"
        " (current_tenant(), :id, :doc, :belief, :bytes, :ok, 1)" + _BACK,
        {"id": "new", "doc": '{"a":1}', "belief": "[2]", "bytes": b"\x00", "ok": True},
    ),
    (
        "INSERT INTO parts_of (tenant_id, thing_id, name, version) SELECT t.tenant_id, t.id, :name::text, t.n FROM things AS t"
        " WHERE t.tenant_id = current_tenant() ON CONFLICT (tenant_id, thing_id, name) DO UPDATE SET version = 0"
        " RETURNING thing_id, version",
        {"name": "one"},
    ),
    (
        "INSERT INTO things (tenant_id, id, n) SELECT current_tenant(), s.id, 5 FROM (SELECT 'A' AS id) AS s"
        " ON CONFLICT (tenant_id, id) DO UPDATE SET n = excluded.n RETURNING id, n",
        {},
    ),
    (
        "INSERT INTO parts_of (tenant_id, thing_id, name, version) SELECT current_tenant(), 'A', u.name, u.version"
        " FROM unnest(:names::text[], :versions::bigint[]) AS u(name, version) ORDER BY u.name"
        " ON CONFLICT (tenant_id, thing_id, name) DO UPDATE SET version = excluded.version RETURNING name, version",
        {"names": ["one", "three"], "versions": [9, 10]},
    ),
    (
        "INSERT INTO parts_of (tenant_id, thing_id, name, version) SELECT current_tenant(), t.id, u.name, t.n"
        " FROM unnest(:names::text[]) AS u(name), things AS t WHERE t.tenant_id = current_tenant() AND t.id = :id",
        {"names": ["x", "y"], "id": "A"},
    ),
    (
        "INSERT INTO parts_of (tenant_id, thing_id, name) SELECT t.tenant_id, t.id, u.name"
        " FROM unnest(:ids::text[], :names::text[]) AS u(id, name) JOIN things AS t ON t.tenant_id = current_tenant() AND t.id = u.id",
        {"ids": ["A", "nope"], "names": ["x", "y"]},
    ),
    (
        "UPDATE things AS t SET n = t.n + 1, real = 2, small = NULL WHERE t.tenant_id = current_tenant() AND t.id = :id"
        + _BACK,
        {"id": "A"},
    ),
    (
        "UPDATE parts_of AS p SET version = t.n, note = coalesce(:note::text, p.note) FROM things AS t"
        " WHERE t.tenant_id = current_tenant() AND p.tenant_id = t.tenant_id AND p.thing_id = t.id AND p.note IS DISTINCT FROM t.id"
        " RETURNING p.name, p.version, p.note",
        {"note": None},
    ),
    (
        "UPDATE parts_of AS p SET version = expect_version('part', p.name, p.version, u.version, t.n), note = u.note"
        " FROM unnest(:names::text[], :versions::bigint[], :notes::text[]) AS u(name, version, note), things AS t"
        " WHERE t.tenant_id = current_tenant() AND t.id = 'A' AND p.tenant_id = current_tenant() AND p.thing_id = t.id"
        " AND p.name = u.name RETURNING p.name, -p.version AS version, p.note",
        {"names": ["one", "two", "none"], "versions": [1, 5, 1], "notes": ["a", None, "c"]},
    ),
    (
        "UPDATE things AS t SET ok = s.many FROM (SELECT p.thing_id AS thing, count(*) > 1 AS many FROM parts_of AS p"
        " WHERE p.tenant_id = current_tenant() GROUP BY p.thing_id) AS s WHERE t.tenant_id = current_tenant() AND t.id = s.thing"
        + _BACK,
        {},
    ),
    (
        "DELETE FROM parts_of AS p WHERE p.tenant_id = current_tenant() AND p.name = :name RETURNING p.thing_id",
        {"name": "one"},
    ),
    ("DELETE FROM things AS t WHERE t.tenant_id = current_tenant() AND t.id = 'A'", {}),
    (
        "DELETE FROM parts_of AS p WHERE p.tenant_id = current_tenant()"
        " AND p.name IN (SELECT u.name FROM unnest(:names::text[]) AS u(name))",
        {"names": ["one"]},
    ),
    (
        "WITH old AS (SELECT p.name AS name FROM parts_of AS p WHERE p.tenant_id = current_tenant() AND p.version > 1)"
        " DELETE FROM parts_of AS p WHERE p.tenant_id = current_tenant() AND p.name IN (SELECT o.name FROM old AS o) RETURNING p.name",
        {},
    ),
    (
        "UPDATE things AS t SET belief = jsonb_set(t.belief, '{value}', :v::jsonb) WHERE t.tenant_id = current_tenant() AND t.id = 'A'"
        + _BACK,
        {"v": "3"},
    ),
]

ALL = [*COLUMNS, *TEXTS, *CASTS, *JSON, *TIMES, *FILTERS, *SELECTS, *CHANGES]

_T = "FROM things AS t WHERE t.tenant_id = current_tenant()"
# What PostgreSQL refuses when it runs, and SQLite would answer somehow.
FAILING = [
    ("SELECT t.n + 9223372036854775807 AS x " + _T, {}),
    ("SELECT t.n * 9223372036854775807 - 1 AS x " + _T, {}),
    ("SELECT t.small * 30000::smallint AS x " + _T, {}),
    ("SELECT 2147483647 + 1 AS x", {}),
    ("SELECT :n::bigint::smallint AS x", {"n": 40000}),
    ("SELECT -(-9223372036854775807 - :n::bigint) AS x", {"n": 1}),
    ("SELECT t.real * 1e308 * 10 AS x " + _T, {}),
    ("SELECT t.real / 0 AS x " + _T, {}),
    ("SELECT t.n / (t.n - t.n) AS x " + _T, {}),
    ("SELECT t.n % 0 AS x " + _T, {}),
    ("SELECT t.id::bigint AS x " + _T, {}),
    ("SELECT t.id::double precision AS x " + _T, {}),
    ("SELECT t.id::json AS x " + _T, {}),
    ("SELECT t.id " + _T + " LIMIT :n", {"n": -1}),
    ("SELECT t.id " + _T + " OFFSET :n", {"n": -1}),
    ("SELECT substr(t.id, 1, :n::integer) AS x " + _T, {"n": -1}),
    ("SELECT jsonb_set(t.belief, '{value}', '1') AS x " + _T, {}),
    ("SELECT jsonb_array_length(t.belief) AS x " + _T, {}),
    ("SELECT (t.belief -> 'long')::bigint AS x " + _T, {}),
    ("SELECT decode(t.id, 'hex') AS x " + _T, {}),
    ("INSERT INTO things (tenant_id, id, small) VALUES (current_tenant(), 'x', 4)", {}),
    ("INSERT INTO things (tenant_id, id) VALUES (current_tenant(), 'A')", {}),
    ("INSERT INTO things (tenant_id, id, n) VALUES (current_tenant(), 'x', NULL) ON CONFLICT DO NOTHING", {}),
    ("UPDATE things AS t SET n = t.n + 9223372036854775807 WHERE t.tenant_id = current_tenant()", {}),
    ("UPDATE things AS t SET middle = t.middle + 2147483647 WHERE t.tenant_id = current_tenant()", {}),
    ("UPDATE things AS t SET n = expect_version('thing', t.id, t.n, 0, 1) WHERE t.tenant_id = current_tenant()", {}),
    (
        "SELECT require_row('thing', 'x', EXISTS (SELECT FROM things AS t WHERE t.tenant_id = current_tenant() AND t.id = 'x')) AS x",
        {},
    ),
]
