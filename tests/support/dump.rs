//! All that a database holds, as somebody who has stolen it would read it.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use tnhs::db::Conn;

use super::{Backend, TestApp};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(conn: &mut Conn, sql: &str) -> QueryResult<Vec<String>> {
    Ok(sql_query(sql).load::<Line>(conn)?.into_iter().map(|line| line.line).collect())
}

impl TestApp {
    /// Every row of every table, as text, with the table's name.
    pub fn dump(&self) -> Vec<String> {
        self.db(|conn| {
            let is_sqlite = self.backend() == Backend::Sqlite;
            let tables = lines(
                conn,
                match self.backend() {
                    Backend::Sqlite => {
                        "SELECT name AS line FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                    }
                    Backend::Postgres => "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public'",
                },
            )?;
            assert!(tables.len() > 15, "{tables:?}");
            let mut all = Vec::new();
            for table in tables {
                let row = if is_sqlite {
                    let columns = lines(conn, &format!("SELECT name AS line FROM pragma_table_info('{table}')"))?;
                    columns
                        .iter()
                        .map(|column| format!("coalesce(\"{column}\", '')"))
                        .collect::<Vec<_>>()
                        .join(" || '|' || ")
                } else {
                    format!("\"{table}\"::text")
                };
                let rows = lines(conn, &format!("SELECT {row} AS line FROM \"{table}\""))?;
                all.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
            }
            Ok(all)
        })
    }
}
