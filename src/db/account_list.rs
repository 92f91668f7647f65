//! The accounts: looking for them page by page, and what belongs to one. Names are found as in `list`, through the postings
//! of the application that an account came from.

use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::list::postings;
use super::registry_list::From;
use super::schema::{accounts, agencies, applications, name_tokens};
use super::{Conn, Counted};
use crate::domain::account::{AccountState, LockCause};
use crate::domain::account_search::Sought;
use crate::domain::application::{Kind, Status};
use crate::domain::dates::BirthDate;
use crate::domain::filter::COUNT_CAP;
use crate::domain::ids::{AccountId, ApplicationId};
use crate::domain::names;
use crate::domain::numbers::SocialCode;
use crate::domain::permission::Scope;
use crate::on_backend;

/// A search ready to be run.
#[derive(Clone, Debug)]
pub struct Query {
    pub scope: Scope,
    pub sought: Sought,
    pub state: Option<AccountState>,
}

/// A row of the list.
#[derive(Queryable)]
pub struct AccountRow {
    pub id: AccountId,
    pub code: String,
    pub name: String,
    pub birth_date: Option<BirthDate>,
    phone: String,
    guardian_phone: Option<String>,
    guardian_account_phone: Option<String>,
    pub agency_name: String,
    pub state: AccountState,
    pub lock_cause: Option<LockCause>,
    created_at: NaiveDateTime,
    state_at: Option<NaiveDateTime>,
}

impl AccountRow {
    /// As [`crate::domain::account::Account::notice_phone`].
    pub fn notice_phone(&self) -> &str {
        self.guardian_account_phone.as_ref().or(self.guardian_phone.as_ref()).unwrap_or(&self.phone)
    }

    pub fn since(&self) -> NaiveDateTime {
        self.state_at.unwrap_or(self.created_at)
    }
}

/// Restricts a boxed query over one of the tables to a scope.
macro_rules! within {
    ($table:ident, $scope:expr, $q:ident) => {
        $q = match $scope {
            Scope::Agency(agency) => $q.filter($table::agency_id.eq(agency)),
            Scope::Province(province) => $q.filter($table::province_id.eq(province)),
            Scope::Country => $q,
            Scope::Nothing => $q.filter(sql::<Bool>("1 = 0")),
        }
    };
}

pub(super) use within;

/// Adds the scope and every criterion besides a name to a boxed query over `accounts`.
macro_rules! filtered {
    ($query:expr, $source:expr) => {{
        let mut q = $source;
        within!(accounts, $query.scope, q);
        if let Some(state) = $query.state {
            q = q.filter(accounts::state.eq(state));
        }
        match &$query.sought {
            Sought::Everybody | Sought::Name(_) => q,
            // Empty is what nobody has.
            Sought::Number { code, phone, id_number } => q.filter(
                accounts::code
                    .eq(code)
                    .or(accounts::phone.eq(phone))
                    .or(accounts::id_number.eq(id_number).assume_not_null())
                    .or(accounts::guardian_phone.eq(phone).assume_not_null()),
            ),
            Sought::Email(email) => q.filter(
                accounts::email.eq(email).assume_not_null().or(accounts::guardian_email.eq(email).assume_not_null()),
            ),
            Sought::Nobody => q.filter(sql::<Bool>("1 = 0")),
        }
    }};
}

diesel::alias!(name_tokens as other_tokens: OtherTokens, accounts as guardians: Guardians);

/// As [`filtered!`], of those whose names have each of the tokens: the first one's postings are walked, and each asked for
/// the others.
macro_rules! named {
    ($query:expr, $tokens:expr, $select:expr) => {{
        let source = name_tokens::table
            .inner_join(accounts::table.on(accounts::application_id.eq(name_tokens::application_id)))
            .select($select)
            .into_boxed();
        let mut q = filtered!($query, source);
        within!(name_tokens, $query.scope, q);
        for (at, token) in $tokens.iter().enumerate() {
            q = match at {
                0 => q.filter(name_tokens::token.eq(*token)),
                _ => q.filter(
                    other_tokens
                        .filter(other_tokens.field(name_tokens::token).eq(*token))
                        .filter(other_tokens.field(name_tokens::application_id).eq(name_tokens::application_id))
                        .select(other_tokens.field(name_tokens::token))
                        .single_value()
                        .is_not_null(),
                ),
            };
        }
        q
    }};
}

/// What a search comes to, looked at once for all its pages.
pub struct Found {
    /// Of a name: what must all be in it.
    tokens: Vec<i64>,
    /// How many accounts: exactly up to [`COUNT_CAP`]; one more means "more".
    pub count: i64,
}

impl Found {
    fn by(conn: &mut Conn, query: &Query, tokens: Vec<i64>) -> QueryResult<Self> {
        let limit = i64::from(COUNT_CAP) + 1;
        let count = if tokens.is_empty() {
            let all = accounts::table.select(accounts::id).into_boxed();
            Counted(filtered!(query, all).limit(limit)).get_result(conn)?
        } else {
            Counted(named!(query, tokens, accounts::id).limit(limit)).get_result(conn)?
        };
        Ok(Self { tokens, count })
    }
}

/// Looks for a name as it was typed, and only where nobody is called so, word by word.
pub fn look(conn: &mut Conn, query: &Query) -> QueryResult<Found> {
    let Sought::Name(name) = &query.sought else { return Found::by(conn, query, Vec::new()) };
    let found = Found::by(conn, query, names::query_runs(name))?;
    let words = names::query_singles(name);
    if found.count > 0 || words.len() < 2 {
        return Ok(found);
    }
    // Walking the rarest word's postings and asking for the others is quick; the other way round is not.
    let rarity = |token| Ok((postings(conn, token, 20_000)?, token));
    let mut by_rarity = words.into_iter().map(rarity).collect::<QueryResult<Vec<_>>>()?;
    by_rarity.sort_unstable();
    Found::by(conn, query, by_rarity.into_iter().map(|(_, token)| token).collect())
}

/// A page of accounts, the newest first.
pub fn page(conn: &mut Conn, query: &Query, found: &Found, from: From, limit: i64) -> QueryResult<Vec<AccountRow>> {
    /// Orders and cuts by a column of ids, which rise with time.
    macro_rules! cut {
        ($q:expr, $column:expr, $edge:expr) => {
            match (from, $edge) {
                (From::After(_), Some(edge)) => $q.filter($column.lt(edge)).order($column.desc()),
                (From::Before(_), Some(edge)) => $q.filter($column.gt(edge)).order($column.asc()),
                _ => $q.order($column.desc()),
            }
            .limit(limit)
            .load(conn)?
        };
    }
    let at = match from {
        From::Start => None,
        From::After(id) | From::Before(id) => Some(AccountId(id)),
    };
    let mut ids: Vec<AccountId> = if found.tokens.is_empty() {
        cut!(filtered!(query, accounts::table.select(accounts::id).into_boxed()), accounts::id, at)
    } else {
        let edge: Option<ApplicationId> = match at {
            Some(at) => accounts::table.find(at).select(accounts::application_id).first(conn).optional()?,
            None => None,
        };
        cut!(named!(query, found.tokens, accounts::id), name_tokens::application_id, edge)
    };
    if matches!(from, From::Before(_)) {
        ids.reverse();
    }
    rows(conn, &ids)
}

fn rows(conn: &mut Conn, ids: &[AccountId]) -> QueryResult<Vec<AccountRow>> {
    let is_guardian = guardians
        .field(accounts::code)
        .nullable()
        .eq(accounts::guardian_code)
        .and(guardians.field(accounts::state).ne(AccountState::Closed));
    let mut rows: Vec<AccountRow> = on_backend!(conn, c => accounts::table
        .inner_join(agencies::table.on(agencies::id.eq(accounts::agency_id)))
        .left_join(guardians.on(is_guardian))
        .filter(accounts::id.eq_any(ids))
        .select((
            accounts::id,
            accounts::code,
            accounts::name,
            accounts::birth_date,
            accounts::phone,
            accounts::guardian_phone,
            guardians.field(accounts::phone).nullable(),
            agencies::name,
            accounts::state,
            accounts::lock_cause,
            accounts::created_at,
            accounts::state_at,
        ))
        .load(c))?;
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    Ok(rows)
}

/// Somebody whose messages go to this account's holder.
#[derive(Queryable)]
pub struct Ward {
    pub id: AccountId,
    pub code: String,
    pub name: String,
    pub state: AccountState,
}

/// How many of one kind an account's page names.
const NAMED: i64 = 50;

/// The wards of a guardian's code within a scope, the newest first, and how many there are anywhere.
pub fn wards(conn: &mut Conn, scope: Scope, guardian: &SocialCode) -> QueryResult<(Vec<Ward>, i64)> {
    let all = || accounts::table.filter(accounts::guardian_code.eq(guardian));
    let mut here = all()
        .order(accounts::id.desc())
        .limit(NAMED)
        .select((accounts::id, accounts::code, accounts::name, accounts::state))
        .into_boxed();
    within!(accounts, scope, here);
    Ok((here.load(conn)?, all().count().get_result(conn)?))
}

/// An application of an account's code.
#[derive(Queryable)]
pub struct Filing {
    pub id: ApplicationId,
    pub number: String,
    pub kind: Kind,
    pub status: Status,
    pub submitted_at: NaiveDateTime,
}

/// The applications of a code within a scope, the newest first.
pub fn filings(conn: &mut Conn, scope: Scope, code: &SocialCode) -> QueryResult<Vec<Filing>> {
    let mut here = applications::table
        .filter(applications::code.eq(code))
        .order(applications::id.desc())
        .limit(NAMED)
        .select((
            applications::id,
            applications::number,
            applications::kind,
            applications::status,
            applications::submitted_at,
        ))
        .into_boxed();
    within!(applications, scope, here);
    here.load(conn)
}
