-- Who may do what on a ClickHouse server that has access control (`npm run migrate -- --users`): a role for each
-- service, with the limits of its profile and a quota. Every statement may be run again: it then says the same.

-- Limits are 0 (none) unless set.
CREATE SETTINGS PROFILE IF NOT EXISTS hivemeter_reading SETTINGS
    allow_ddl = 0,
    max_execution_time = 30 MAX 30, timeout_before_checking_execution_speed = 0,
    max_memory_usage = 2000000000 MAX 2000000000,
    max_rows_to_read = 500000000 MAX 500000000,
    max_result_rows = 1000000 MAX 1000000,
    read_overflow_mode = 'throw', result_overflow_mode = 'throw', timeout_overflow_mode = 'throw';

-- Beside its grants, who only reads is readonly = 2: a query may choose its own settings, within the constraints. Those
-- who wait for a replica before they read (SYSTEM SYNC REPLICA) cannot be: readonly refuses every SYSTEM.

-- A task that restores asks for what was loaded; an old id is looked up by its sort key.
CREATE ROLE IF NOT EXISTS hivemeter_aggregator SETTINGS PROFILE 'hivemeter_reading';
GRANT SELECT ON usage_events TO hivemeter_aggregator;
GRANT SELECT ON watermarks TO hivemeter_aggregator;
GRANT SELECT ON load_notes TO hivemeter_aggregator;
GRANT SELECT ON installation TO hivemeter_aggregator;
GRANT SYSTEM SYNC REPLICA ON * TO hivemeter_aggregator;

CREATE ROLE IF NOT EXISTS hivemeter_settler SETTINGS PROFILE 'hivemeter_reading', readonly = 2;
GRANT SELECT ON watermarks TO hivemeter_settler;
GRANT SELECT ON load_notes TO hivemeter_settler;
GRANT SELECT ON installation TO hivemeter_settler;

CREATE ROLE IF NOT EXISTS hivemeter_fleet SETTINGS PROFILE 'hivemeter_reading', readonly = 2;
GRANT SELECT ON watermarks TO hivemeter_fleet;
GRANT SELECT ON load_notes TO hivemeter_fleet;
GRANT SELECT ON installation TO hivemeter_fleet;

-- The only one who writes rows; it looks before it writes. DDL belongs to the user who migrates.
CREATE ROLE IF NOT EXISTS hivemeter_loader SETTINGS allow_ddl = 0;
GRANT SELECT, INSERT ON usage_events TO hivemeter_loader;
GRANT SELECT, INSERT ON usage_1m TO hivemeter_loader;
GRANT SELECT, INSERT ON usage_15m TO hivemeter_loader;
GRANT SELECT, INSERT ON cost_decisions TO hivemeter_loader;
GRANT SELECT, INSERT ON settlements TO hivemeter_loader;
GRANT SELECT, INSERT ON wallet_ledger TO hivemeter_loader;
GRANT SELECT, INSERT ON audit_log TO hivemeter_loader;
GRANT SELECT, INSERT ON audit TO hivemeter_loader;
GRANT SELECT, INSERT ON watermarks TO hivemeter_loader;
GRANT SELECT, INSERT ON load_notes TO hivemeter_loader;
GRANT SELECT ON installation TO hivemeter_loader;
GRANT SELECT, INSERT ON dead_letters TO hivemeter_loader;
GRANT SELECT, INSERT ON set_aside TO hivemeter_loader;
GRANT SELECT, INSERT ON fleet_samples TO hivemeter_loader;
GRANT SELECT, INSERT ON fleet_versions TO hivemeter_loader;
GRANT SELECT, INSERT ON fleet_commands TO hivemeter_loader;
GRANT SELECT, INSERT ON fleet_5m TO hivemeter_loader;
GRANT SELECT, INSERT ON fleet_1m TO hivemeter_loader;
GRANT SELECT, INSERT ON fleet_status TO hivemeter_loader;
GRANT SYSTEM SYNC REPLICA ON * TO hivemeter_loader;

CREATE ROLE IF NOT EXISTS hivemeter_reader SETTINGS PROFILE 'hivemeter_reading';
GRANT SELECT ON usage_events TO hivemeter_reader;
GRANT SELECT ON usage_1m TO hivemeter_reader;
GRANT SELECT ON usage_15m TO hivemeter_reader;
GRANT SELECT ON cost_decisions TO hivemeter_reader;
GRANT SELECT ON settlements TO hivemeter_reader;
GRANT SELECT ON wallet_ledger TO hivemeter_reader;
GRANT SELECT ON audit_log TO hivemeter_reader;
GRANT SELECT ON audit TO hivemeter_reader;
GRANT SELECT ON set_aside TO hivemeter_reader;
GRANT SELECT ON fleet_samples TO hivemeter_reader;
GRANT SELECT ON fleet_versions TO hivemeter_reader;
GRANT SELECT ON fleet_commands TO hivemeter_reader;
GRANT SELECT ON fleet_5m TO hivemeter_reader;
GRANT SELECT ON fleet_1m TO hivemeter_reader;
GRANT SELECT ON fleet_status TO hivemeter_reader;
GRANT SELECT ON dead_letters TO hivemeter_reader;
GRANT SELECT ON watermarks TO hivemeter_reader;
GRANT SELECT ON installation TO hivemeter_reader;
GRANT SYSTEM SYNC REPLICA ON * TO hivemeter_reader;

-- Sums and how far they reach: no raw event, no wallet, nobody's settings.
CREATE ROLE IF NOT EXISTS hivemeter_grafana SETTINGS PROFILE 'hivemeter_reading', readonly = 2;
GRANT SELECT ON usage_1m TO hivemeter_grafana;
GRANT SELECT ON usage_15m TO hivemeter_grafana;
GRANT SELECT ON watermarks TO hivemeter_grafana;
GRANT SELECT ON dead_letters TO hivemeter_grafana;

-- A provider's own tool: rows of one node, whatever it asks. The node stands in the user's settings, as a constant:
--   CREATE USER acme IDENTIFIED BY '…' DEFAULT ROLE hivemeter_provider SETTINGS SQL_hivemeter_node = 'node-1' CONST
CREATE ROLE IF NOT EXISTS hivemeter_provider SETTINGS PROFILE 'hivemeter_reading', readonly = 2;
GRANT SELECT ON usage_events TO hivemeter_provider;
GRANT SELECT ON usage_1m TO hivemeter_provider;
GRANT SELECT ON usage_15m TO hivemeter_provider;
GRANT SELECT ON cost_decisions TO hivemeter_provider;
GRANT SELECT ON settlements TO hivemeter_provider;

-- Policies of one table are OR-ed for whoever has several roles. Once a table has policies, a role without one may be
-- shown every row (users_without_row_policies_can_read_rows), so the services are named as well.
CREATE ROW POLICY IF NOT EXISTS hivemeter_own_node ON usage_events, usage_1m, usage_15m, cost_decisions, settlements
    FOR SELECT USING node_id = getSetting('SQL_hivemeter_node') TO hivemeter_provider;
CREATE ROW POLICY IF NOT EXISTS hivemeter_services ON usage_events, usage_1m, usage_15m, cost_decisions, settlements
    FOR SELECT USING 1 TO hivemeter_aggregator, hivemeter_loader, hivemeter_reader, hivemeter_grafana;

-- The reader's own limits come first (its rates per credential); these hold where somebody uses its password.
CREATE QUOTA IF NOT EXISTS hivemeter_reader KEYED BY user_name
    FOR INTERVAL 1 minute MAX queries = 60000, errors = 6000, execution_time = 600 TO hivemeter_reader;
CREATE QUOTA IF NOT EXISTS hivemeter_others KEYED BY user_name
    FOR INTERVAL 1 minute MAX queries = 600, errors = 60, execution_time = 120, read_rows = 5000000000
    TO hivemeter_grafana, hivemeter_provider;
