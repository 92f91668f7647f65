//! The tables of agencies, staff and applications as lists tell them: what is known of a key, and writing what a list
//! says. The registry has its own way, by changesets.

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::applications::{self as filing, NewApplication};
use super::events::{self, NewEvent};
use super::schema::{
    account_changes, accounts, agencies, agency_serials, applications, events as history, name_tokens, photos,
    registry_counts, sessions, staff, stays, subscriptions, targets,
};
use super::{Conn, agencies as offices, holidays, imports, one_row, registry};
use crate::domain::application::{Channel, Declaration, Kind as Request, Sex, Status};
use crate::domain::dates::{BirthDate, hanoi_year};
use crate::domain::event::EventKind;
use crate::domain::ids::{AgencyId, ApplicationId, ImportId, StaffId};
use crate::domain::names::Name;
use crate::domain::numbers::{Email, IdNumber, Phone, SocialCode};
use crate::domain::permission::{Role, Scope};
use crate::domain::to_json;
use crate::domain::workbook::{Field, Kind, Values};
use crate::on_backend;

/// What is known of a key.
#[derive(Clone, Debug)]
pub struct Known {
    pub row_id: i64,
    pub values: Values,
    /// The agency that it belongs to, and its province: whoever imports must reach it.
    pub office: Option<(AgencyId, Option<AgencyId>)>,
    /// The number of an application that stands in the way of another for the same code.
    pub number: Option<String>,
}

fn values<const N: usize>(all: [(Field, Option<String>); N]) -> Values {
    let mut values = Values::default();
    for (field, value) in all {
        if let Some(value) = value {
            values.set(field, value);
        }
    }
    values
}

/// What the database knows of these keys, as a list would tell it.
pub fn known(conn: &mut Conn, kind: Kind, keys: &[&str]) -> QueryResult<HashMap<String, Known>> {
    match kind {
        Kind::Registry => Ok(registry::find_all(conn, keys)?
            .into_iter()
            .map(|(code, member)| (code, Known { row_id: 0, values: member.to_values(), office: None, number: None }))
            .collect()),
        Kind::Agencies => known_agencies(conn, keys),
        Kind::Staff => known_staff(conn, keys),
        Kind::Applications => known_applications(conn, keys),
    }
}

fn known_agencies(conn: &mut Conn, codes: &[&str]) -> QueryResult<HashMap<String, Known>> {
    type Row = (AgencyId, String, String, Option<String>, Option<NaiveDate>, Option<AgencyId>, Option<String>);
    let above = diesel::alias!(agencies as above);
    let rows: Vec<Row> = agencies::table
        .left_join(above.on(above.field(agencies::id).nullable().eq(agencies::parent_id)))
        .filter(agencies::code.eq_any(codes))
        .select((
            agencies::id,
            agencies::code,
            agencies::name,
            agencies::province_code,
            agencies::valid_from,
            agencies::province_id,
            above.field(agencies::code).nullable(),
        ))
        .load(conn)?;
    let known = |(id, code, name, province, valid_from, province_id, parent): Row| {
        let values = values([
            (Field::Code, Some(code.clone())),
            (Field::Name, Some(name)),
            (Field::ParentCode, parent),
            (Field::ProvinceCode, province),
            (Field::ValidFrom, valid_from.map(|date| date.to_string())),
        ]);
        (code, Known { row_id: id.0, values, office: Some((id, province_id)), number: None })
    };
    Ok(rows.into_iter().map(known).collect())
}

fn known_staff(conn: &mut Conn, logins: &[&str]) -> QueryResult<HashMap<String, Known>> {
    type Row = (StaffId, String, String, Role, Option<String>, AgencyId, Option<AgencyId>, String);
    let rows: Vec<Row> = staff::table
        .inner_join(agencies::table)
        .filter(staff::login.eq_any(logins))
        .select((
            staff::id,
            staff::login,
            staff::name,
            staff::role,
            staff::email,
            agencies::id,
            agencies::province_id,
            agencies::code,
        ))
        .load(conn)?;
    let known = |(id, login, name, role, email, agency, province, code): Row| {
        let values = values([
            (Field::Login, Some(login.clone())),
            (Field::Name, Some(name)),
            (Field::Role, Some(role.code().to_owned())),
            (Field::Email, email),
            (Field::AgencyCode, Some(code)),
        ]);
        (login, Known { row_id: id.0, values, office: Some((agency, province)), number: None })
    };
    Ok(rows.into_iter().map(known).collect())
}

/// Of each code the latest application that is open or was approved: a person who was rejected declares again.
fn known_applications(conn: &mut Conn, codes: &[&str]) -> QueryResult<HashMap<String, Known>> {
    #[derive(Queryable, Selectable)]
    #[diesel(table_name = applications)]
    struct Row {
        id: ApplicationId,
        number: String,
        code: String,
        name: String,
        birth_date: Option<BirthDate>,
        sex: Option<Sex>,
        id_number: Option<String>,
        phone: String,
        email: Option<String>,
        address: Option<String>,
        agency_id: AgencyId,
        province_id: Option<AgencyId>,
    }
    let rows: Vec<(Row, String)> = applications::table
        .inner_join(agencies::table)
        .filter(applications::code.eq_any(codes))
        .filter(applications::kind.eq(Request::New))
        .filter(applications::status.eq_any([Status::Pending, Status::AwaitingCode, Status::Approved]))
        .order(applications::id)
        .select((Row::as_select(), agencies::code))
        .load(conn)?;
    let known = |(row, agency): (Row, String)| {
        let values = values([
            (Field::Code, Some(row.code.clone())),
            (Field::Name, Some(row.name)),
            (Field::BirthDate, row.birth_date.map(|date| date.as_str().to_owned())),
            (Field::Sex, row.sex.map(|sex| sex.code().to_owned())),
            (Field::IdNumber, row.id_number),
            (Field::Phone, Some(row.phone)),
            (Field::Email, row.email),
            (Field::Address, row.address),
            (Field::AgencyCode, Some(agency)),
        ]);
        let office = Some((row.agency_id, row.province_id));
        (row.code, Known { row_id: row.id.0, values, office, number: Some(row.number) })
    };
    Ok(rows.into_iter().map(known).collect())
}

/// Who imports, and when.
#[derive(Clone, Copy)]
pub struct By {
    pub import: ImportId,
    pub staff: Option<StaffId>,
    pub at: NaiveDateTime,
}

/// Writes what a list says of a key, and returns the row's id. `before` is what was known of it.
pub fn write(conn: &mut Conn, kind: Kind, before: Option<&Known>, after: &Values, by: By) -> QueryResult<i64> {
    let row_id = before.map(|known| known.row_id);
    match kind {
        Kind::Registry => Err(diesel::result::Error::NotFound),
        Kind::Agencies => write_agency(conn, row_id.map(AgencyId), after),
        Kind::Staff => write_staff(conn, row_id.map(StaffId), after, by),
        Kind::Applications => file_application(conn, after, by),
    }
}

fn text(values: &Values, field: Field) -> String {
    values.get(field).unwrap_or_default().to_owned()
}

fn write_agency(conn: &mut Conn, id: Option<AgencyId>, after: &Values) -> QueryResult<i64> {
    let parent = match after.get(Field::ParentCode) {
        Some(code) => Some(offices::find_by_code(conn, code)?.ok_or(diesel::result::Error::NotFound)?),
        None => None,
    };
    let (code, name) = (text(after, Field::Code), text(after, Field::Name));
    let province = after.get(Field::ProvinceCode);
    let id = match id {
        Some(id) => id,
        None => offices::insert(conn, &code, &name, parent.as_ref(), province)?.id,
    };
    let valid_from = after.get(Field::ValidFrom).and_then(|date| date.parse::<NaiveDate>().ok());
    diesel::update(agencies::table.find(id))
        .set((
            agencies::name.eq(name),
            agencies::parent_id.eq(parent.map(|parent| parent.id)),
            agencies::province_code.eq(province),
            agencies::valid_from.eq(valid_from),
        ))
        .execute(conn)?;
    Ok(id.0)
}

fn write_staff(conn: &mut Conn, id: Option<StaffId>, after: &Values, by: By) -> QueryResult<i64> {
    let agency =
        offices::find_by_code(conn, &text(after, Field::AgencyCode))?.ok_or(diesel::result::Error::NotFound)?;
    let role = after.get(Field::Role).and_then(Role::from_code).ok_or(diesel::result::Error::NotFound)?;
    let (name, email) = (text(after, Field::Name), after.get(Field::Email));
    let of = (staff::name.eq(name), staff::role.eq(role), staff::agency_id.eq(agency.id), staff::email.eq(email));
    let Some(id) = id else {
        let login = text(after, Field::Login);
        // No password opens an empty hash: an admin hands out the first one.
        let new = (
            staff::login.eq(login),
            staff::password_hash.eq(""),
            staff::must_change_password.eq(true),
            staff::created_at.eq(by.at),
            of,
        );
        return on_backend!(conn, c => diesel::insert_into(staff::table)
            .values(new)
            .returning(staff::id)
            .get_result::<StaffId>(c))
        .map(|id| id.0);
    };
    one_row(diesel::update(staff::table.find(id)).set(of).execute(conn)?)?;
    Ok(id.0)
}

fn file_application(conn: &mut Conn, after: &Values, by: By) -> QueryResult<i64> {
    let agency =
        offices::find_by_code(conn, &text(after, Field::AgencyCode))?.ok_or(diesel::result::Error::NotFound)?;
    let declaration = Declaration {
        code: SocialCode::from_stored(text(after, Field::Code)),
        name: Name::from_stored(text(after, Field::Name)),
        birth_date: after.get(Field::BirthDate).map(|date| BirthDate::from_stored(date.to_owned())),
        sex: after.get(Field::Sex).and_then(Sex::from_code),
        id_number: after.get(Field::IdNumber).map(|number| IdNumber::from_stored(number.to_owned())),
        id_issued_on: None,
        id_issued_by: None,
        phone: Phone::from_stored(text(after, Field::Phone)),
        email: after.get(Field::Email).map(|email| Email::from_stored(email.to_owned())),
        address: after.get(Field::Address).map(str::to_owned),
        province_code: None,
        commune_code: None,
        guardian: None,
    };
    let new = NewApplication {
        agency_id: agency.id,
        kind: Request::New,
        channel: Channel::MobileDesk,
        declaration: &declaration,
        submitted_at: by.at,
        // Whoever stood at the mobile desk or signed their employer's list has handed the papers in.
        received_at: Some(by.at),
        due_at: holidays::calendar(conn)?.due_at(by.at, Some(by.at)),
        entered_by: by.staff,
        year: hanoi_year(by.at),
        request_key: None,
    };
    let (id, _) = filing::insert(conn, &new)?;
    #[derive(serde::Serialize)]
    struct From {
        import: ImportId,
    }
    let event = NewEvent {
        application: Some(id),
        account: None,
        staff: by.staff,
        kind: EventKind::Imported,
        at: by.at,
        address: None,
        before: None,
        after: Some(to_json(&From { import: by.import })),
    };
    events::add(conn, &event)?;
    Ok(id.0)
}

/// What an import made of a row.
pub enum Standing {
    /// As it left it: it can be put back, to what was known and what it was before.
    Untouched(Box<Known>, Option<Values>),
    /// Something later touched it, or refers to it.
    TouchedLater,
}

/// Whether something later touched a row. `gone` are rows that are put back before this one, and refer to nothing any more.
pub fn standing(conn: &mut Conn, kind: Kind, written: &imports::Written, gone: &HashSet<i64>) -> QueryResult<Standing> {
    let read = |json: &str| serde_json::from_str::<Values>(json).ok();
    let before = written.before.as_deref().and_then(read);
    let now = known(conn, kind, &[&written.key])?.remove(&written.key);
    let (Some(now), Some(after)) = (now, read(&written.after)) else { return Ok(Standing::TouchedLater) };
    let stays = now.row_id != written.row_id
        || !now.values.agree(&after)
        || (before.is_none() && is_used(conn, kind, written.row_id, gone)?);
    Ok(if stays { Standing::TouchedLater } else { Standing::Untouched(Box::new(now), before) })
}

/// Puts a row back as it was before an import, or removes it. False when something later touched it: then it stays.
pub fn put_back(conn: &mut Conn, kind: Kind, written: &imports::Written, by: By) -> QueryResult<bool> {
    match standing(conn, kind, written, &HashSet::new())? {
        Standing::TouchedLater => return Ok(false),
        Standing::Untouched(now, Some(before)) => drop(write(conn, kind, Some(&now), &before, by)?),
        Standing::Untouched(_, None) => remove(conn, kind, written.row_id)?,
    }
    Ok(true)
}

/// Whether something refers to a row, or somebody acted upon it, since it was imported.
fn is_used(conn: &mut Conn, kind: Kind, id: i64, gone: &HashSet<i64>) -> QueryResult<bool> {
    use diesel::dsl::{exists, select};
    match kind {
        Kind::Registry => Ok(true),
        Kind::Agencies => {
            let id = AgencyId(id);
            let below: Vec<i64> = agencies::table.filter(agencies::parent_id.eq(id)).select(agencies::id).load(conn)?;
            let used: bool = select(
                exists(staff::table.filter(staff::agency_id.eq(id)))
                    .or(exists(applications::table.filter(applications::agency_id.eq(id))))
                    .or(exists(agency_serials::table.filter(agency_serials::agency_id.eq(id)))),
            )
            .get_result(conn)?;
            // What reports know of it, also when its work has moved on.
            let counted: bool = select(
                exists(stays::table.filter(stays::agency_id.eq(id)))
                    .or(exists(account_changes::table.filter(account_changes::agency_id.eq(id))))
                    .or(exists(registry_counts::table.filter(registry_counts::agency_id.eq(id))))
                    .or(exists(targets::table.filter(targets::agency_id.eq(id))))
                    .or(exists(subscriptions::table.filter(subscriptions::agency_id.eq(id)))),
            )
            .get_result(conn)?;
            Ok(used || counted || below.iter().any(|below| !gone.contains(below)))
        }
        Kind::Staff => {
            let id = StaffId(id);
            let acted_upon = staff::last_sign_in_at
                .is_not_null()
                .or(staff::locked_at.is_not_null())
                // Somebody has handed them a password.
                .or(staff::password_hash.ne(""));
            select(
                exists(history::table.filter(history::staff_id.eq(id)))
                    .or(exists(sessions::table.filter(sessions::staff_id.eq(id))))
                    .or(exists(staff::table.filter(staff::id.eq(id)).filter(acted_upon))),
            )
            .get_result(conn)
        }
        Kind::Applications => {
            let id = ApplicationId(id);
            let acts =
                history::table.filter(history::application_id.eq(id)).filter(history::kind.ne(EventKind::Imported));
            select(
                exists(acts)
                    .or(exists(photos::table.filter(photos::application_id.eq(id))))
                    .or(exists(accounts::table.filter(accounts::application_id.eq(id)))),
            )
            .get_result(conn)
        }
    }
}

fn remove(conn: &mut Conn, kind: Kind, id: i64) -> QueryResult<()> {
    let removed = match kind {
        Kind::Registry => 0,
        Kind::Agencies => {
            let agency = agencies::table.find(id);
            diesel::update(agency).set(agencies::province_id.eq(None::<AgencyId>)).execute(conn)?;
            diesel::delete(agency).execute(conn)?
        }
        Kind::Staff => diesel::delete(staff::table.find(id)).execute(conn)?,
        Kind::Applications => {
            diesel::delete(name_tokens::table.filter(name_tokens::application_id.eq(id))).execute(conn)?;
            super::tallies::take_back(conn, ApplicationId(id))?;
            diesel::delete(applications::table.find(id)).execute(conn)?
        }
    };
    one_row(removed)
}

/// Whether whoever imports reaches what is known of a key.
pub fn reaches(scope: Scope, known: &Known) -> bool {
    known.office.is_none_or(|(agency, province)| scope.covers(agency, province))
}
