-- History of a table whose rows are parts of a whole ({parent}). A part takes the whole's version at each change.
-- The migrator fills the marked places in from the catalogue after each run.

-- A hand edit moves the whole's version, and the part takes it; keys do not change.
CREATE OR REPLACE FUNCTION {table}_by_hand() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.tenant_id, NEW.{owner}, NEW.{key}) IS DISTINCT FROM (OLD.tenant_id, OLD.{owner}, OLD.{key}) THEN
            RAISE EXCEPTION '{table}: a key does not change; insert a new row and delete the old one' USING ERRCODE = 'AIC04';
        END IF;
        {new_last_updated}
    END IF;
    UPDATE {parent} AS p
       SET {set_parent_last_updated} version = p.version + 1
     WHERE p.tenant_id = NEW.tenant_id AND p.{parent_key} = NEW.{owner}
    RETURNING p.version INTO NEW.version;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION {table}_to_history() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET extra_float_digits = 1  -- floats exactly, whoever writes
    AS $$
BEGIN
    {refuse_missing_parts}
    INSERT INTO history (tenant_id, owner, tbl, key, version, op, after, content, at, actor, reason, write_id)
    SELECT n.tenant_id, n.{owner}, {tbl}, n.{key}, abs(n.version),
           CASE WHEN n.version < 0 THEN 'D' ELSE left(TG_OP, 1) END,
           CASE WHEN n.version > 0 THEN {row} END,
           CASE WHEN n.version > 0 THEN {content} END,
           aiconsql_now(),
           coalesce(nullif(current_setting('aiconsql.actor', true), ''), session_user),
           nullif(current_setting('aiconsql.reason', true), ''),
           nullif(current_setting('aiconsql.write_id', true), '')
      FROM new_rows AS n;
    RETURN NULL;
END $$;

-- A negative version marks a row that its writer is about to remove: its entry is already written.
-- Any other removal was made by hand, or by one of the whole, whose version is then past its last.
CREATE OR REPLACE FUNCTION {table}_removed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
BEGIN
    UPDATE {parent} AS p
       SET {set_parent_last_updated} version = p.version + 1
      FROM (SELECT DISTINCT o.tenant_id, o.{owner} FROM old_rows AS o WHERE o.version > 0) AS gone
     WHERE p.tenant_id = gone.tenant_id AND p.{parent_key} = gone.{owner};
    INSERT INTO history (tenant_id, owner, tbl, key, version, op, after, content, at, actor, reason, write_id)
    SELECT o.tenant_id, o.{owner}, {tbl}, o.{key},
           coalesce((SELECT p.version FROM {parent} AS p
                      WHERE p.tenant_id = o.tenant_id AND p.{parent_key} = o.{owner}),
                    (SELECT max(h.version) + 1 FROM history AS h
                      WHERE h.tenant_id = o.tenant_id AND h.owner = o.{owner})),
           'D', NULL, NULL,
           aiconsql_now(),
           coalesce(nullif(current_setting('aiconsql.actor', true), ''), session_user),
           nullif(current_setting('aiconsql.reason', true), ''),
           nullif(current_setting('aiconsql.write_id', true), '')
      FROM old_rows AS o
     WHERE o.version > 0;
    RETURN NULL;
END $$;

-- Parts go with their whole, at the version of its removal: they are marked while it still knows its version.
CREATE OR REPLACE FUNCTION {table}_with_whole() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
BEGIN
    UPDATE {table} AS t
       SET version = CASE WHEN OLD.version < 0 THEN OLD.version ELSE -(OLD.version + 1) END
     WHERE t.tenant_id = OLD.tenant_id AND t.{owner} = OLD.{parent_key} AND t.version > 0;
    RETURN OLD;
END $$;

CREATE OR REPLACE TRIGGER {table}_by_hand_insert BEFORE INSERT ON {table}
    FOR EACH ROW WHEN (NEW.version = 0) EXECUTE FUNCTION {table}_by_hand();
CREATE OR REPLACE TRIGGER {table}_by_hand_update BEFORE UPDATE ON {table}
    FOR EACH ROW WHEN (NEW.version = OLD.version OR NEW.{key} <> OLD.{key} OR NEW.{owner} <> OLD.{owner} OR NEW.tenant_id <> OLD.tenant_id)
    EXECUTE FUNCTION {table}_by_hand();
CREATE OR REPLACE TRIGGER {table}_history_insert AFTER INSERT ON {table}
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {table}_to_history();
CREATE OR REPLACE TRIGGER {table}_history_update AFTER UPDATE ON {table}
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {table}_to_history();
CREATE OR REPLACE TRIGGER {table}_history_delete AFTER DELETE ON {table}
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION {table}_removed();
CREATE OR REPLACE TRIGGER {table}_with_whole BEFORE DELETE ON {parent}
    FOR EACH ROW EXECUTE FUNCTION {table}_with_whole();
