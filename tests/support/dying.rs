//! A transaction that ends in the middle, as when the process dies in it: all that it wrote is gone, what was committed before
//! stays.

use diesel::connection::SimpleConnection;

use tnhs::db::Conn;

use super::TestApp;

impl TestApp {
    /// From now on a transaction ends that does this (INSERT, UPDATE, DELETE) to a row of the table for which `when` holds.
    pub fn dies_at(&self, act: &str, table: &str, when: &str) {
        let end = match self.backend() {
            super::Backend::Sqlite => format!(
                "CREATE TRIGGER dying BEFORE {act} ON {table} WHEN {when} BEGIN SELECT RAISE(ABORT, 'died'); END"
            ),
            super::Backend::Postgres => format!(
                "CREATE FUNCTION dying() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'died'; END $$; \
                 CREATE TRIGGER dying BEFORE {act} ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION dying()"
            ),
        };
        self.db(|conn| conn.batch_execute(&end));
    }

    /// Nothing dies any more.
    pub fn starts_again(&self, table: &str) {
        self.db(|conn| match conn {
            Conn::Sqlite(_) => conn.batch_execute("DROP TRIGGER dying"),
            Conn::Postgres(_) => conn.batch_execute(&format!("DROP TRIGGER dying ON {table}; DROP FUNCTION dying()")),
        });
    }
}
