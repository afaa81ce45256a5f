    -- A scalar subselect can only be an index probe; a join may scan every part of the tenant.
    IF EXISTS (SELECT FROM new_rows AS n CROSS JOIN LATERAL generate_series(0, (octet_length(n.{content_column}) + 31) / 32 - 1) AS i
                WHERE n.version > 0
                  AND (SELECT p.codec FROM parts AS p
                        WHERE p.tenant_id = n.tenant_id AND p.hash = substr(n.{content_column}, 32 * i + 1, 32)) IS NULL) THEN
        RAISE EXCEPTION '{table}: a part of the content is missing' USING ERRCODE = 'AIC02';
    END IF;
