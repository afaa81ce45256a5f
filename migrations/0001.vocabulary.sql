-- Functions that queries, policies and triggers call; on SQLite the engine teaches the same names to each connection.
-- oldest code: 0001

-- The tenant of the unit of work; 'default' when none was set.
CREATE FUNCTION current_tenant() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('aiconsql.tenant', true), ''), 'default') $$;

-- The clock of history and leases. Tests replace it, as the owner.
CREATE FUNCTION aiconsql_now() RETURNS timestamptz
    LANGUAGE sql VOLATILE PARALLEL SAFE
    AS $$ SELECT clock_timestamp() $$;

-- `new_version` when the row still has the version its writer loaded; else AIC01, which undoes the whole unit.
CREATE FUNCTION expect_version(kind text, key text, have bigint, expected bigint, new_version bigint) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF have IS DISTINCT FROM expected THEN
        RAISE EXCEPTION USING
            ERRCODE = 'AIC01',
            MESSAGE = format('%s %s: version %s, expected %s', kind, key, have, expected),
            DETAIL = json_build_object('kind', kind, 'key', key, 'have', have, 'expected', expected);
    END IF;
    RETURN new_version;
END $$;

-- True when the row is there; else AIC03, which undoes the whole unit.
CREATE FUNCTION require_row(kind text, key text, is_there boolean) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF is_there IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'AIC03',
            MESSAGE = format('%s %s: no such row', kind, key),
            DETAIL = json_build_object('kind', kind, 'key', key);
    END IF;
    RETURN true;
END $$;

-- Who changes rows on SQLite: one row while a unit of work runs, none when somebody edits by hand.
-- PostgreSQL keeps the same in settings of the transaction and leaves this table empty.
CREATE TABLE aiconsql_context (
    one      integer PRIMARY KEY CHECK (one = 1),
    actor    text COLLATE "C" NOT NULL,
    reason   text COLLATE "C",
    write_id text COLLATE "C"
);

-- `new_version` when a factor of this type and these parameters may take the value; else AIC05, which undoes the whole unit.
CREATE FUNCTION accept_value(name text, factor_type text, parameters json, value jsonb, new_version bigint) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    lowest  jsonb := coalesce(parameters -> 'lower_bound', parameters -> 'min_value')::jsonb;
    highest jsonb := coalesce(parameters -> 'upper_bound', parameters -> 'max_value')::jsonb;
    choices jsonb := (parameters -> 'categories')::jsonb;
    problem text;
BEGIN
    IF factor_type = 'categorical' THEN
        IF jsonb_typeof(choices) = 'array' AND NOT choices @> jsonb_build_array(value) THEN
            problem := 'not one of the categories';
        END IF;
    ELSIF jsonb_typeof(value) <> 'number' THEN
        problem := 'not a number';
    ELSIF factor_type = 'discrete' AND value::numeric <> trunc(value::numeric) THEN
        problem := 'not a whole number';
    ELSIF jsonb_typeof(lowest) = 'number' AND value::numeric < lowest::numeric THEN
        problem := format('below %s', lowest);
    ELSIF jsonb_typeof(highest) = 'number' AND value::numeric > highest::numeric THEN
        problem := format('above %s', highest);
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'AIC05',
            MESSAGE = format('factor %s: %s is %s', name, value, problem),
            DETAIL = json_build_object('kind', 'factor', 'key', name, 'value', value, 'problem', problem);
    END IF;
    RETURN new_version;
END $$;
