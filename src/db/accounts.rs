//! Citizens' accounts.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::accounts;
use super::{Conn, one_row};
use crate::domain::account::{Account, AccountState};
use crate::domain::application::Application;
use crate::domain::ids::{AccountId, ApplicationId};
use crate::on_backend;

/// Creates the account of an approved application, without a password yet.
///
/// # Errors
/// A unique violation when the code or the ID number has an account already.
pub fn insert(conn: &mut Conn, application: &Application, now: NaiveDateTime) -> QueryResult<AccountId> {
    let declaration = &application.declaration;
    on_backend!(conn, c => diesel::insert_into(accounts::table)
        .values((
            accounts::code.eq(&declaration.code),
            accounts::application_id.eq(application.id),
            accounts::name.eq(&declaration.name),
            accounts::id_number.eq(declaration.id_number.as_ref()),
            accounts::phone.eq(application.notice_phone()),
            accounts::email.eq(application.notice_email()),
            accounts::state.eq(AccountState::Active),
            accounts::must_change_password.eq(true),
            accounts::created_at.eq(now),
        ))
        .returning(accounts::id)
        .get_result(c))
}

pub fn of_application(conn: &mut Conn, id: ApplicationId) -> QueryResult<Option<Account>> {
    let row: Option<(AccountId, String, AccountState, Option<String>, NaiveDateTime)> = accounts::table
        .filter(accounts::application_id.eq(id))
        .select((accounts::id, accounts::code, accounts::state, accounts::password_hashes, accounts::created_at))
        .first(conn)
        .optional()?;
    Ok(row.map(|(id, code, state, hashes, created_at)| Account {
        id,
        code,
        state,
        has_password: hashes.is_some(),
        created_at,
    }))
}

pub fn exists(conn: &mut Conn, code: &str) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(accounts::table.filter(accounts::code.eq(code)))).get_result(conn)
}

/// The code of another account of the same person: one with this ID number, or since a personal ID number may be a code, one
/// whose code is this ID number or whose ID number is this code.
pub fn id_number_holder(conn: &mut Conn, id_number: &str, code: &str) -> QueryResult<Option<String>> {
    accounts::table
        .filter(accounts::id_number.eq_any([id_number, code]).assume_not_null().or(accounts::code.eq(id_number)))
        .filter(accounts::code.ne(code))
        .select(accounts::code)
        .first(conn)
        .optional()
}

/// How many other accounts use the same telephone, and the same e-mail address. Legitimate for guardians: shown only.
pub fn sharing(conn: &mut Conn, application: &Application) -> QueryResult<(i64, i64)> {
    let code = application.declaration.code.as_str();
    let phone = accounts::table
        .filter(accounts::phone.eq(application.notice_phone()))
        .filter(accounts::code.ne(code))
        .count()
        .get_result(conn)?;
    let email = match application.notice_email() {
        Some(email) => accounts::table
            .filter(accounts::email.eq(email))
            .filter(accounts::code.ne(code))
            .count()
            .get_result(conn)?,
        None => 0,
    };
    Ok((phone, email))
}

/// Keeps the hash of a password that is about to leave, beside those of the ones that may have arrived before. False when
/// the citizen has already chosen one of their own, or the account is not in use: then nothing must be sent.
pub fn add_first_password(conn: &mut Conn, id: AccountId, hash: &str) -> QueryResult<bool> {
    change_passwords(conn, id, |hashes| hashes.push(hash.to_owned()))
}

/// Forgets the hash of a password that surely did not leave.
pub fn drop_first_password(conn: &mut Conn, id: AccountId, hash: &str) -> QueryResult<bool> {
    change_passwords(conn, id, |hashes| hashes.retain(|known| known != hash))
}

fn change_passwords(conn: &mut Conn, id: AccountId, change: impl FnOnce(&mut Vec<String>)) -> QueryResult<bool> {
    let first = accounts::table
        .find(id)
        .filter(accounts::must_change_password.eq(true))
        .filter(accounts::state.eq(AccountState::Active));
    let Some(before) = first.select(accounts::password_hashes).first::<Option<String>>(conn).optional()? else {
        return Ok(false);
    };
    let mut hashes: Vec<String> = before.as_deref().unwrap_or_default().lines().map(str::to_owned).collect();
    change(&mut hashes);
    let after = (!hashes.is_empty()).then(|| hashes.join("\n"));
    // Nobody else changes them meanwhile: only the worker that holds the lease of the account's one message does.
    one_row(diesel::update(first).set(accounts::password_hashes.eq(after)).execute(conn)?)?;
    Ok(true)
}
