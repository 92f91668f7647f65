//! Citizens' accounts. What signs them in is in `credentials`.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::applications::{Declared, declared, declared_columns};
use super::schema::{accounts, agencies, events};
use super::stays::Office;
use super::{Conn, account_changes, one_row};
use crate::domain::account::{Account, AccountState, GuardianAccount, LockCause, RECEIVED_FOR};
use crate::domain::application::{Application, Declaration};
use crate::domain::event::EventKind;
use crate::domain::ids::{AccountId, AgencyId, ApplicationId};
use crate::domain::numbers::SocialCode;
use crate::domain::permission::{Actor, Scope};
use crate::on_backend;

/// Creates the account of an approved application, without a password yet.
///
/// # Errors
/// A unique violation when the code or the ID number has an account already.
pub fn insert(conn: &mut Conn, application: &Application, now: NaiveDateTime) -> QueryResult<AccountId> {
    let province_id = province_of(conn, application.agency_id)?;
    let id = on_backend!(conn, c => diesel::insert_into(accounts::table)
        .values((
            accounts::application_id.eq(application.id),
            accounts::agency_id.eq(application.agency_id),
            accounts::province_id.eq(province_id),
            declared!(accounts, &application.declaration),
            accounts::state.eq(AccountState::Active),
            accounts::must_change_password.eq(true),
            accounts::created_at.eq(now),
        ))
        .returning(accounts::id)
        .get_result(c))?;
    account_changes::record(conn, id, (None, Some((application.agency_id, province_id))), now)?;
    Ok(id)
}

fn province_of(conn: &mut Conn, agency: AgencyId) -> QueryResult<Option<AgencyId>> {
    agencies::table.find(agency).select(agencies::province_id).first(conn)
}

/// Opens a closed account anew for another application, without a password yet.
pub fn open_anew(conn: &mut Conn, account: &Account, application: &Application, now: NaiveDateTime) -> QueryResult<()> {
    let province_id = province_of(conn, application.agency_id)?;
    let before = (account.state != AccountState::Closed).then_some((account.agency_id, account.province_id));
    account_changes::record(conn, account.id, (before, Some((application.agency_id, province_id))), now)?;
    one_row(
        diesel::update(as_it_was(account))
            .set((
                accounts::application_id.eq(application.id),
                accounts::agency_id.eq(application.agency_id),
                accounts::province_id.eq(province_id),
                declared!(accounts, &application.declaration),
                accounts::state.eq(AccountState::Active),
                accounts::state_at.eq(now),
                accounts::lock_cause.eq(None::<LockCause>),
                accounts::password_hashes.eq(None::<String>),
                accounts::password_set_at.eq(None::<NaiveDateTime>),
                accounts::must_change_password.eq(true),
                accounts::failed_tries.eq(0),
                accounts::device_hash.eq(None::<String>),
                accounts::version.eq(account.version + 1),
            ))
            .execute(conn)?,
    )
}

/// Writes what is newly declared and approved of the holder.
pub fn set_holder(conn: &mut Conn, account: &Account, declaration: &Declaration) -> QueryResult<()> {
    one_row(
        diesel::update(as_it_was(account))
            .set((declared!(accounts, declaration), accounts::version.eq(account.version + 1)))
            .execute(conn)?,
    )
}

/// Brings an account into another state. One that is closed gives its ID number free, forgets its passwords and ends its
/// device's sign-in; one that is locked keeps its password for when it is opened again.
pub fn set_state(
    conn: &mut Conn,
    account: &Account,
    state: AccountState,
    cause: Option<LockCause>,
    now: NaiveDateTime,
) -> QueryResult<()> {
    let set = (
        accounts::state.eq(state),
        accounts::state_at.eq(now),
        accounts::lock_cause.eq(cause),
        accounts::failed_tries.eq(0),
        accounts::version.eq(account.version + 1),
    );
    one_row(diesel::update(as_it_was(account)).set(set).execute(conn)?)?;
    let office = Some((account.agency_id, account.province_id));
    let counted = |state| office.filter(|_| state != AccountState::Closed);
    account_changes::record(conn, account.id, (counted(account.state), counted(state)), now)?;
    let row = accounts::table.find(account.id);
    if state != AccountState::Active {
        diesel::update(row).set(accounts::device_hash.eq(None::<String>)).execute(conn)?;
    }
    if state == AccountState::Closed {
        diesel::update(row)
            .set((accounts::password_hashes.eq(None::<String>), accounts::id_number.eq(None::<String>)))
            .execute(conn)?;
    }
    Ok(())
}

/// Gives the account that an application was granted to the office to which the application goes.
pub fn follow(conn: &mut Conn, application: ApplicationId, to: Office, at: NaiveDateTime) -> QueryResult<()> {
    let granted = accounts::table.filter(accounts::application_id.eq(application));
    let found: Option<(AccountId, AccountState, Office)> = granted
        .select((accounts::id, accounts::state, (accounts::agency_id, accounts::province_id)))
        .first(conn)
        .optional()?;
    let Some((id, state, from)) = found else { return Ok(()) };
    if state != AccountState::Closed {
        account_changes::record(conn, id, (Some(from), Some(to)), at)?;
    }
    diesel::update(accounts::table.find(id))
        .set((accounts::agency_id.eq(to.0), accounts::province_id.eq(to.1)))
        .execute(conn)?;
    Ok(())
}

/// Marks that something besides the state and the holder changed, such as the password.
pub fn touch(conn: &mut Conn, account: &Account) -> QueryResult<()> {
    one_row(diesel::update(as_it_was(account)).set(accounts::version.eq(account.version + 1)).execute(conn)?)
}

/// The account, when nobody has changed it since it was read.
#[diesel::dsl::auto_type(no_type_alias)]
fn as_it_was(account: &Account) -> _ {
    let (id, version): (AccountId, i32) = (account.id, account.version);
    accounts::table.filter(accounts::id.eq(id)).filter(accounts::version.eq(version))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
struct Row {
    id: AccountId,
    application_id: ApplicationId,
    agency_id: AgencyId,
    province_id: Option<AgencyId>,
    state: AccountState,
    lock_cause: Option<LockCause>,
    created_at: NaiveDateTime,
    state_at: Option<NaiveDateTime>,
    password_hashes: Option<String>,
    password_set_at: Option<NaiveDateTime>,
    must_change_password: bool,
    last_sign_in_at: Option<NaiveDateTime>,
    device_hash: Option<String>,
    version: i32,
}

macro_rules! find {
    ($conn:expr, $($filter:expr),+) => {{
        let row: Option<(Row, Declared, String)> = accounts::table
            .inner_join(agencies::table.on(agencies::id.eq(accounts::agency_id)))
            $(.filter($filter))+
            .select((Row::as_select(), declared_columns!(accounts), agencies::name))
            .first($conn)
            .optional()?;
        row.map(|row| into_account($conn, row)).transpose()
    }};
}

fn into_account(conn: &mut Conn, (row, declared, agency_name): (Row, Declared, String)) -> QueryResult<Account> {
    let holder = Declaration::from(declared);
    let guardian = match holder.guardian.as_ref().and_then(|guardian| guardian.code.as_ref()) {
        Some(code) => guardian_account(conn, code)?,
        None => None,
    };
    Ok(Account {
        id: row.id,
        application_id: row.application_id,
        agency_id: row.agency_id,
        agency_name,
        province_id: row.province_id,
        holder,
        guardian,
        state: row.state,
        lock_cause: row.lock_cause,
        created_at: row.created_at,
        state_at: row.state_at.unwrap_or(row.created_at),
        has_password: row.password_hashes.is_some(),
        password_set_at: row.password_set_at,
        must_change_password: row.must_change_password,
        last_sign_in_at: row.last_sign_in_at,
        has_device: row.device_hash.is_some(),
        version: row.version,
    })
}

/// The account that a guardian's code names, unless it was closed.
pub fn guardian_account(conn: &mut Conn, code: &SocialCode) -> QueryResult<Option<GuardianAccount>> {
    let row = accounts::table
        .filter(accounts::code.eq(code))
        .filter(accounts::state.ne(AccountState::Closed))
        .select((accounts::id, accounts::phone, accounts::email))
        .first(conn)
        .optional()?;
    Ok(row.map(|(id, phone, email)| GuardianAccount { id, phone, email }))
}

/// The accounts of those whose guardian has this code.
pub fn wards(conn: &mut Conn, code: &SocialCode) -> QueryResult<Vec<AccountId>> {
    accounts::table.filter(accounts::guardian_code.eq(code)).order(accounts::id).select(accounts::id).load(conn)
}

/// The account that this application was granted.
pub fn of_application(conn: &mut Conn, id: ApplicationId) -> QueryResult<Option<Account>> {
    find!(conn, accounts::application_id.eq(id))
}

/// The account of a code, whatever its state.
pub fn of_code(conn: &mut Conn, code: &str) -> QueryResult<Option<Account>> {
    find!(conn, accounts::code.eq(code))
}

/// The account, when it is within the scope.
pub fn find(conn: &mut Conn, scope: Scope, id: AccountId) -> QueryResult<Option<Account>> {
    match scope {
        Scope::Agency(agency) => find!(conn, accounts::id.eq(id), accounts::agency_id.eq(agency)),
        Scope::Province(province) => find!(conn, accounts::id.eq(id), accounts::province_id.eq(province)),
        Scope::Country => find!(conn, accounts::id.eq(id)),
        Scope::Nothing => Ok(None),
    }
}

/// The account, when this person may see it: it is within their scope, or they received its holder some hours ago.
pub fn find_for(conn: &mut Conn, actor: &Actor, id: AccountId, now: NaiveDateTime) -> QueryResult<Option<Account>> {
    let Scope::Agency(agency) = actor.scope() else { return find(conn, actor.scope(), id) };
    let received = events::table
        .filter(events::account_id.eq(id))
        .filter(events::staff_id.eq(actor.id))
        .filter(events::kind.eq(EventKind::AccountReceived))
        .filter(events::at.gt(now - RECEIVED_FOR));
    find!(conn, accounts::id.eq(id), accounts::agency_id.eq(agency).or(diesel::dsl::exists(received)))
}

/// The code of another account of the same person: one with this ID number, or since a personal ID number may be a code, one
/// whose code is this ID number or whose ID number is this code.
pub fn id_number_holder(conn: &mut Conn, id_number: &str, code: &str) -> QueryResult<Option<String>> {
    accounts::table
        .filter(accounts::id_number.eq_any([id_number, code]).assume_not_null().or(accounts::code.eq(id_number)))
        .filter(accounts::code.ne(code))
        .filter(accounts::state.ne(AccountState::Closed))
        .select(accounts::code)
        .first(conn)
        .optional()
}

/// How many other accounts use the same telephone, and the same e-mail address. Legitimate for guardians: shown only.
pub fn sharing(conn: &mut Conn, declaration: &Declaration) -> QueryResult<(i64, i64)> {
    let code = &declaration.code;
    let phone = declaration.notice_phone();
    let phones = accounts::table
        .filter(accounts::phone.eq(phone).or(accounts::guardian_phone.assume_not_null().eq(phone)))
        .filter(accounts::code.ne(code))
        .count()
        .get_result(conn)?;
    let emails = match declaration.notice_email() {
        Some(email) => accounts::table
            .filter(
                accounts::email.eq(email).assume_not_null().or(accounts::guardian_email.eq(email).assume_not_null()),
            )
            .filter(accounts::code.ne(code))
            .count()
            .get_result(conn)?,
        None => 0,
    };
    Ok((phones, emails))
}
