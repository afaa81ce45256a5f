INSERT INTO things (tenant_id, id, n, small, middle, real, ok, at, doc, belief, bytes)
VALUES (current_tenant(), 'A', 7, 1, -7, 2.5, TRUE, '2026-01-01T10:00:00.000001+02:00',
        '{"s": "t", "n": 1e2, "b": true, "z": null, "o": {"k":  [1, 2.50]}, "a": [10, "x", false], "a.b": 1, "$.s": 2, "q\"": 3}',
        '{"value": 1, "long": "x", "b": false, "l": [1, {"k": "v"}], "f": 1.50}', '\x0102030405');
INSERT INTO things (tenant_id, id, n, small, middle, real, ok, at, doc, belief)
VALUES (current_tenant(), 'b', -3, NULL, 10, -0.5, FALSE, NULL, '[1, 2]', '{"value": null}');
INSERT INTO things (tenant_id, id, n, small, middle, real, ok, at, doc, belief, bytes)
VALUES (current_tenant(), 'é_%\', 9007199254740993, 2, NULL, NULL, TRUE, '2025-06-30T23:59:59.5Z', '"s"', '[1, "two"]', NULL);
INSERT INTO things (tenant_id, id, n) VALUES ('other', 'A', 1);
INSERT INTO parts_of (tenant_id, thing_id, name, version, note)
VALUES (current_tenant(), 'A', 'one', 1, 'Fine'), (current_tenant(), 'A', 'two', 5, NULL), (current_tenant(), 'b', 'one', 2, '');
INSERT INTO parts_of (tenant_id, thing_id, name) VALUES ('other', 'A', 'one');
