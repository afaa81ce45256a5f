    SELECT raise(ABORT, '{table}: a part of the content is missing')
     WHERE EXISTS (WITH RECURSIVE place (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM place
                                                 WHERE i + 1 < (length(NEW.{content_column}) + 31) / 32)
                   SELECT 1 FROM place
                    WHERE NEW.version > 0 AND length(NEW.{content_column}) > 0
                      AND NOT EXISTS (SELECT 1 FROM parts AS p
                                       WHERE p.tenant_id = NEW.tenant_id
                                         AND p.hash = substr(NEW.{content_column}, 32 * i + 1, 32)));
