# ruff: noqa: E501 - a table of statements is read in lines
"""What no rule carries is refused with its place; nothing passes through by accident."""

from __future__ import annotations

import pytest

from aiconsql.engine.dialect import translate
from aiconsql.engine.dialect.translate import Catalogue, Column
from aiconsql.errors import Untranslatable

T = "FROM things AS t WHERE t.tenant_id = current_tenant()"

# A statement that PostgreSQL takes, and a part of the construct that the refusal names.
REFUSED = [
    ("SELECT t.doc || t.doc " + T, "|| of values whose types nobody states"),
    ("SELECT :a || :b " + T, "|| of values whose types nobody states"),
    ("SELECT :a + :b " + T, "type nobody states"),
    ("SELECT :a / :b " + T, "type nobody states"),
    ("SELECT -:a " + T, "type nobody states"),
    ("SELECT :a IS NULL " + T, "without a type"),
    ("SELECT :a " + T, "a parameter without a type"),
    ("SELECT t.doc ->> :k " + T, "a JSON key of no type"),
    ("SELECT t.id " + T + " AND t.doc ->> 'a' < 'b'", "an order of text"),
    ("SELECT t.id " + T + " AND t.doc ->> 'a' = 1", "text beside integer"),
    ("SELECT t.id " + T + " ORDER BY t.doc ->> 'a'", "an order of text"),
    ("SELECT max(t.doc ->> 'a') " + T, "an order of text"),
    ("SELECT t.id " + T + " AND t.belief = '{}'", "a comparison of jsonb"),
    ("SELECT DISTINCT t.belief " + T, "distinct rows with jsonb"),
    ("SELECT t.real + 1.5 * 2.5 " + T, "numeric arithmetic"),
    ("SELECT sum(t.n) " + T, "sum of bigint"),
    ("SELECT avg(t.n) " + T, "avg of bigint"),
    ("SELECT lower(t.doc::text) " + T, "lower"),
    ("SELECT t.id ILIKE 'a' " + T, "ILIKE"),
    ("SELECT t.id ~ 'a' " + T, "~"),
    ("SELECT initcap(t.id) " + T, "INITCAP"),
    ("SELECT pg_advisory_xact_lock(1) " + T, "pg_advisory_xact_lock"),
    ("SELECT now() " + T, "now()"),
    ("SELECT t.at + interval '1 day' " + T, "an interval"),
    ("SELECT t.at + interval '3 hours ago' " + T, "an interval"),
    ("SELECT (SELECT o.n FROM things AS o WHERE o.ok) " + T, "a subselect that may have several rows"),
    ("SELECT (SELECT o.n FROM things AS o WHERE o.id = o.id AND o.tenant_id = t.tenant_id) " + T, "several rows"),
    ("SELECT (SELECT count(*) FROM things AS o GROUP BY o.n) " + T, "several rows"),
    ("SELECT (SELECT count(*) OVER () FROM things AS o) " + T, "several rows"),
    ("SELECT (SELECT 1 UNION ALL SELECT 2) " + T, "several rows"),
    ("SELECT t.at + make_interval(days => 1) " + T, "MakeInterval with day"),
    ("SELECT date_trunc('day', t.at) " + T, "date_trunc"),
    ("SELECT extract(epoch FROM t.at) " + T, "extract, which is numeric"),
    ("SELECT extract(dow FROM t.at)::double precision " + T, "extract"),
    ("SELECT t.at::text " + T, "a cast from timestamptz to text"),
    ("SELECT t.at::date " + T, "type"),
    ("SELECT t.id::varchar(3) " + T, "type"),
    ('SELECT t.id COLLATE "en_US" ' + T, "a collation"),
    ("SELECT E'a\\n' || t.id " + T, "a"),
    ("SELECT t.* " + T, "list of all columns"),
    ("SELECT * " + T, "*"),
    ("SELECT DISTINCT ON (t.ok) t.id " + T, "DISTINCT ON"),
    ("SELECT string_agg(t.id, ',') " + T, "STRING_AGG"),
    ("SELECT array_agg(t.id) " + T, "ARRAY_AGG"),
    ("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t.n) " + T, "PERCENTILE_CONT"),
    ("SELECT t.id " + T + " AND t.bytes = ANY(:ids::bytea[])", "an array of bytea"),
    ("SELECT t.id " + T + " AND t.id > ANY(:ids::text[])", "a comparison with an array"),
    ("SELECT t.id " + T + " AND t.id = ANY(ARRAY['a'])", "ARRAY"),
    ("SELECT t.id " + T + " GROUP BY ROLLUP (t.id)", "ROLLUP"),
    ("SELECT t.id FROM things AS t FULL JOIN things AS o ON o.id = t.id", "FULL"),
    ("SELECT t.id FROM things AS t RIGHT JOIN things AS o ON o.id = t.id", "RIGHT"),
    ("SELECT t.id FROM things AS t NATURAL JOIN things AS o", "Join with method"),
    ("SELECT t.id FROM things AS t, LATERAL (SELECT t.n) AS l", "LATERAL"),
    ("SELECT t.id FROM things AS t TABLESAMPLE SYSTEM (1)", "Table with sample"),
    ("SELECT v.a FROM (VALUES (1)) AS v(a)", "VALUES"),
    ("SELECT x.a FROM (SELECT 1) AS x(a)", "an alias with column names"),
    ("SELECT e.key FROM jsonb_each('{}') AS e", "a function in FROM"),
    ("SELECT g FROM generate_series(1, 5, 2) AS g", "generate_series"),
    ("SELECT u.a FROM unnest(:a::text[], :b::text[]) AS u(a, b) ORDER BY u.a", "several arrays"),
    ("SELECT count(*) FROM unnest(:a::bytea[]) AS u(a)", "several arrays, or bytes"),
    ("SELECT 1 INTERSECT SELECT 2 UNION SELECT 3", "set operations of several kinds"),
    ("SELECT 1 UNION SELECT 2 INTERSECT SELECT 3", "parentheses in a set operation"),
    ("SELECT t.doc ->> 'a' AS id " + T + " ORDER BY id", "an order of text"),
    ("SELECT 1 EXCEPT ALL SELECT 2", "EXCEPT ALL"),
    ("(SELECT 1 LIMIT 1) UNION ALL SELECT 2", "parentheses in a set operation"),
    ("WITH x AS (DELETE FROM things AS t RETURNING t.id) SELECT x.id FROM x", "a CTE that changes data"),
    ("WITH x AS (SELECT 1) DELETE FROM things AS t", "WITH before a change"),
    ("DELETE FROM things AS t USING things AS o WHERE o.id = t.id", "DELETE USING"),
    ("MERGE INTO things AS t USING things AS o ON o.id = t.id WHEN MATCHED THEN DO NOTHING", "a statement"),
    ("INSERT INTO things VALUES ('a')", "without a column list"),
    ("INSERT INTO things (tenant_id, id) VALUES (DEFAULT, 'a')", "DEFAULT as a value"),
    ("INSERT INTO things (id) VALUES ('a') ON CONFLICT ON CONSTRAINT c DO NOTHING", "OnConflict with constraint"),
    ("INSERT INTO things (id) VALUES ('a') ON CONFLICT (lower(id)) DO NOTHING", "a conflict target"),
    ("INSERT INTO things (id, n) VALUES ('a', 1.5)", "numeric where bigint is wanted"),
    ("INSERT INTO things (id, doc) SELECT t.id, t.id " + T, "text where json is wanted"),
    ("UPDATE things AS t SET (n, small) = (1, 2)", "an assignment of a row"),
    ("UPDATE things AS t SET n = t.real", "double precision where bigint is wanted"),
    ("UPDATE things AS t SET n = 1 FROM unnest(:a::text[]) AS u(a), unnest(:b::text[]) AS v(b)", "unnest twice"),
    ("UPDATE things AS t SET n = 1 FROM unnest(:a) AS u(a)", "an array that is no parameter"),
    ("INSERT INTO things (id) SELECT u.a FROM unnest(:a::text[]) AS u(a) LEFT JOIN things AS o ON o.id = u.a", "an outer join of arrays"),
    ("SELECT t.nope " + T, "a column of no known table"),
    ("SELECT x.id FROM nowhere AS x", "a table that the catalogue does not know"),
    ("SELECT 1; SELECT 2", "several statements"),
    ("TRUNCATE things", "a statement"),
    ("VACUUM", "a command"),
    ("LOCK TABLE things", "a command"),
    ("SET work_mem = '1MB'", "a statement"),
    ("SELECT FROM WHERE", "not readable"),
    ("SELECT jsonb_set(t.belief, :p::text[], '1') " + T, "a path that is no literal"),
    ("SELECT t.belief #>> '{a,\"b,c\"}' " + T, "a path with quotes"),
    ("SELECT jsonb_build_object('at', t.at) " + T, "a JSON value made of timestamptz"),
]  # fmt: skip

CATALOGUE = Catalogue({
    "things": {
        "tenant_id": Column("text"), "id": Column("text"), "n": Column("bigint"), "small": Column("smallint"),
        "real": Column("double precision"), "ok": Column("boolean"), "at": Column("timestamptz"), "doc": Column("json"),
        "belief": Column("jsonb"), "bytes": Column("bytea"),
    },
}, {"things": [frozenset(("tenant_id", "id"))]})  # fmt: skip


@pytest.mark.parametrize(("sql", "construct"), REFUSED, ids=[f"{i}-{sql[:60]}" for i, (sql, _) in enumerate(REFUSED)])
def test_refusal_names_its_place(sql, construct):
    """B108: what no rule carries over names file, query, line and construct."""
    with pytest.raises(Untranslatable) as refused:
        translate.query_to_sqlite(sql, file="sql/w/n.sql", query="n.q", line=12, types=CATALOGUE, params={})

    assert ("sql/w/n.sql", "n.q", 12) == (refused.value.file, refused.value.query, refused.value.line)
    assert construct in refused.value.construct
    assert str(refused.value).startswith("sql/w/n.sql:12 n.q: no rule carries ")


def test_all_refusals_are_told_together():
    """B108: several refusals are one error that names each of them."""
    refused = [Untranslatable(f"f:{n} q: x", file="f", query="q", line=n, construct="x") for n in (3, 9)]

    error = translate.all_refusals(refused)

    assert ("f", 3) == (error.file, error.line)
    assert all(str(one) in str(error) for one in refused)


TENANTS = [
    ("SELECT t.id FROM things AS t", "things AS t"),
    ("SELECT t.id FROM things AS t WHERE t.tenant_id = :tenant", "things AS t"),
    ("SELECT t.id FROM things AS t WHERE t.tenant_id = current_tenant() OR t.ok", "things AS t"),
    (
        "SELECT t.id FROM things AS t JOIN things AS o ON o.id = t.id WHERE t.tenant_id = current_tenant()",
        "things AS o",
    ),
    ("SELECT t.id " + T + " AND t.id IN (SELECT o.id FROM things AS o)", "things AS o"),
    ("SELECT t.id " + T + " UNION ALL SELECT o.id FROM things AS o", "things AS o"),
    ("WITH x AS (SELECT o.id FROM things AS o) SELECT x.id FROM x", "things AS o"),
    ("UPDATE things AS t SET n = 1", "things AS t"),
    (
        "UPDATE things AS t SET n = o.n FROM things AS o WHERE t.tenant_id = current_tenant() AND o.id = t.id",
        "things AS o",
    ),
    ("DELETE FROM things AS t", "things AS t"),
    ("INSERT INTO things (id) VALUES ('a')", "INSERT INTO things"),
]


@pytest.mark.parametrize(("sql", "construct"), TENANTS, ids=[sql[:80] for sql, _ in TENANTS])
def test_a_forgotten_tenant_is_refused(sql, construct):
    """A statement on a table with tenant_id that does not bind it to the tenant is refused."""
    with pytest.raises(Untranslatable) as refused:
        translate.check_tenants(sql, file="f", query="q", line=1, types=CATALOGUE)

    assert construct in refused.value.construct


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT t.id " + T,
        "SELECT id FROM things WHERE tenant_id = current_tenant()",
        "SELECT t.id FROM things AS t JOIN things AS o ON o.tenant_id = t.tenant_id AND o.id = t.id WHERE current_tenant() = o.tenant_id",
        "SELECT t.id " + T + " AND EXISTS (SELECT FROM things AS o WHERE o.tenant_id = t.tenant_id)",
        "WITH x AS (SELECT t.id " + T + ") SELECT x.id FROM x",
        "UPDATE things AS t SET n = o.n FROM things AS o WHERE t.tenant_id = current_tenant() AND o.tenant_id = t.tenant_id",
        "INSERT INTO things (tenant_id, id) SELECT current_tenant(), u.id FROM unnest(:ids::text[]) AS u(id)",
        "SELECT 1",
    ],
)
def test_a_named_tenant_passes(sql):
    """A statement whose tables are all bound to the tenant, directly or through another, passes."""
    translate.check_tenants(sql, file="f", query="q", line=1, types=CATALOGUE)
