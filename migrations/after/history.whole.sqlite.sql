-- As history.whole.sql, with row triggers that use only functions of a bare sqlite3, so that any tool can write.
DROP TRIGGER IF EXISTS {table}_by_hand_insert;
DROP TRIGGER IF EXISTS {table}_by_hand_update;
DROP TRIGGER IF EXISTS {table}_key;
DROP TRIGGER IF EXISTS {table}_history_insert;
DROP TRIGGER IF EXISTS {table}_history_update;
DROP TRIGGER IF EXISTS {table}_history_delete;

CREATE TRIGGER {table}_by_hand_insert AFTER INSERT ON {table} WHEN NEW.version = 0
BEGIN
    UPDATE {table}
       SET {set_self_version}
           version = 1 + coalesce((SELECT max(h.version) FROM history AS h
                                    WHERE h.tenant_id = NEW.tenant_id AND h.owner = NEW.{owner}), 0)
     WHERE tenant_id = NEW.tenant_id AND {key} = NEW.{key};
END;

CREATE TRIGGER {table}_by_hand_update AFTER UPDATE ON {table} WHEN NEW.version = OLD.version
BEGIN
    UPDATE {table}
       SET {set_last_updated} {bump_self_version} version = OLD.version + 1
     WHERE tenant_id = NEW.tenant_id AND {key} = NEW.{key};
END;

CREATE TRIGGER {table}_key BEFORE UPDATE ON {table}
    WHEN NEW.tenant_id <> OLD.tenant_id OR NEW.{owner} <> OLD.{owner} OR NEW.{key} <> OLD.{key}
BEGIN
    SELECT raise(ABORT, '{table}: a key does not change; insert a new row and delete the old one');
END;

CREATE TRIGGER {table}_history_insert AFTER INSERT ON {table} WHEN NEW.version <> 0
BEGIN
    {refuse_missing_parts}
    INSERT INTO history (tenant_id, owner, tbl, key, version, op, after, content, at, actor, reason, write_id)
    VALUES (NEW.tenant_id, NEW.{owner}, {tbl}, NEW.{key}, NEW.version, 'I', {row}, {content},
            strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now'),
            coalesce((SELECT actor FROM aiconsql_context), 'by hand'),
            (SELECT reason FROM aiconsql_context),
            (SELECT write_id FROM aiconsql_context));
END;

CREATE TRIGGER {table}_history_update AFTER UPDATE ON {table}
    WHEN NEW.version <> OLD.version AND ({self_changed} OR NEW.version < 0)
BEGIN
    {refuse_missing_parts}
    INSERT INTO history (tenant_id, owner, tbl, key, version, op, after, content, at, actor, reason, write_id)
    VALUES (NEW.tenant_id, NEW.{owner}, {tbl}, NEW.{key}, abs(NEW.version),
            CASE WHEN NEW.version < 0 THEN 'D' WHEN OLD.version = 0 THEN 'I' ELSE 'U' END,
            CASE WHEN NEW.version > 0 THEN {row} END,
            CASE WHEN NEW.version > 0 THEN {content} END,
            strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now'),
            coalesce((SELECT actor FROM aiconsql_context), 'by hand'),
            (SELECT reason FROM aiconsql_context),
            (SELECT write_id FROM aiconsql_context));
END;

CREATE TRIGGER {table}_history_delete AFTER DELETE ON {table}
BEGIN
    -- The shell has foreign_keys off: what refers to the row would stay behind.
    {delete_children}
    INSERT INTO history (tenant_id, owner, tbl, key, version, op, after, content, at, actor, reason, write_id)
    SELECT OLD.tenant_id, OLD.{owner}, {tbl}, OLD.{key}, OLD.version + 1, 'D', NULL, NULL,
           strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now'),
           coalesce((SELECT actor FROM aiconsql_context), 'by hand'),
           (SELECT reason FROM aiconsql_context),
           (SELECT write_id FROM aiconsql_context)
     WHERE OLD.version > 0;
END;
