//! The rules of the work, pure: no clock, no SQL, no HTTP, no files. Types that cannot hold nonsense are made by parsing
//! at the edge; what they carry is decided here and nowhere else. Enums and checked texts know how a database column
//! holds them (diesel mappings), but nothing here ever sees a connection.

use serde::Serialize;

/// The work's closed lists: each variant has the English word that is stored and the Vietnamese words that are shown.
macro_rules! text_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $code:literal => $label:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
            diesel::deserialize::FromSqlRow, diesel::expression::AsExpression)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $code)] $variant,)+ }

        impl $name {
            /// Every value, in the order in which it is offered.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word that is stored, and the CSS class.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The words on the screen.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }

            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }

        impl<DB> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $name
        where
            DB: diesel::backend::Backend,
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                let text = <String as diesel::deserialize::FromSql<diesel::sql_types::Text, DB>>::from_sql(bytes)?;
                Self::from_code(&text).ok_or_else(|| format!("unknown {}: {text}", stringify!($name)).into())
            }
        }

        impl<DB> diesel::serialize::ToSql<diesel::sql_types::Text, DB> for $name
        where
            DB: diesel::backend::Backend,
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                self.code().to_sql(out)
            }
        }
    };
}

/// Checked texts: written to a column as they are, and read back from our own database without a second check.
macro_rules! text_column {
    ($($name:ident),+ $(,)?) => {$(
        impl<DB> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $name
        where
            DB: diesel::backend::Backend,
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                let text = <String as diesel::deserialize::FromSql<diesel::sql_types::Text, DB>>::from_sql(bytes)?;
                Ok(Self::from_stored(text))
            }
        }

        impl<DB> diesel::serialize::ToSql<diesel::sql_types::Text, DB> for $name
        where
            DB: diesel::backend::Backend,
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                self.as_str().to_sql(out)
            }
        }
    )+};
}

pub mod account;
pub mod account_search;
pub mod act;
pub mod agency;
pub mod api_key;
pub mod application;
pub mod assessment;
pub mod change;
pub mod citizen;
pub mod dates;
pub mod deadline;
pub mod declaration;
pub mod delivery;
pub mod desk;
pub mod event;
pub mod export;
pub mod filter;
pub mod holiday;
pub mod ids;
pub mod import;
pub mod invitation;
pub mod message;
pub mod message_list;
pub mod names;
pub mod notice;
pub mod numbers;
pub mod outbox;
pub mod permission;
pub mod places;
pub mod queue_health;
pub mod receipt;
pub mod refusal;
pub mod registry;
pub mod report;
pub mod spreadsheet;
pub mod staff;
pub mod subscription;
pub mod text;
pub mod texts;
pub mod trial;
pub mod workbook;

/// JSON for the history's "before" and "after".
pub fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
