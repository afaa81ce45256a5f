-- Every table with a tenant_id: the application role sees and changes its own tenant's rows. FORCE is not used:
-- the owner migrates, dumps and sweeps over all tenants.
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant ON {table};
CREATE POLICY tenant ON {table} USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant());
