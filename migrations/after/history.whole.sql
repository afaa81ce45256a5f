-- History of a table whose rows stand for themselves. The migrator fills the marked places in from the catalogue after each run,
-- so a new column is in the history without anybody thinking of it.

-- A hand edit moves the version; keys do not change.
CREATE OR REPLACE FUNCTION {table}_by_hand() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.version := 1 + coalesce((SELECT max(h.version) FROM history AS h
                                      WHERE h.tenant_id = NEW.tenant_id AND h.owner = NEW.{owner}), 0);
    ELSIF (NEW.tenant_id, NEW.{owner}, NEW.{key}) IS DISTINCT FROM (OLD.tenant_id, OLD.{owner}, OLD.{key}) THEN
        RAISE EXCEPTION '{table}: a key does not change; insert a new row and delete the old one' USING ERRCODE = 'AIC04';
    ELSIF NEW.version = OLD.version THEN
        NEW.version := OLD.version + 1;
        {new_last_updated}
    ELSE
        RETURN NEW;
    END IF;
    {new_self_version}
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
      FROM new_rows AS n
     WHERE TG_OP = 'INSERT' OR {self_changed} OR n.version < 0;
    RETURN NULL;
END $$;

-- A negative version marks a row that its writer is about to remove: its entry is already written.
CREATE OR REPLACE FUNCTION {table}_removed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
BEGIN
    INSERT INTO history (tenant_id, owner, tbl, key, version, op, after, content, at, actor, reason, write_id)
    SELECT o.tenant_id, o.{owner}, {tbl}, o.{key}, o.version + 1, 'D', NULL, NULL,
           aiconsql_now(),
           coalesce(nullif(current_setting('aiconsql.actor', true), ''), session_user),
           nullif(current_setting('aiconsql.reason', true), ''),
           nullif(current_setting('aiconsql.write_id', true), '')
      FROM old_rows AS o
     WHERE o.version > 0;
    RETURN NULL;
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
