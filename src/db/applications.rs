//! Applications, one at a time. Every function that reads for a person takes their scope and puts it into the query.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::Conn;
use super::schema::{agencies, agency_serials, applications, name_tokens, staff};
use crate::domain::application::{Application, Channel, Declaration, Guardian, Kind, Sex, Status};
use crate::domain::dates::BirthDate;
use crate::domain::ids::{AgencyId, ApplicationId, StaffId};
use crate::domain::names::{self, Name};
use crate::domain::numbers::{ApplicationNumber, Email, IdNumber, Phone, SocialCode};
use crate::domain::permission::Scope;
use crate::on_backend;

#[derive(Queryable, Selectable)]
#[diesel(table_name = applications)]
struct Row {
    id: ApplicationId,
    agency_id: AgencyId,
    number: ApplicationNumber,
    kind: Kind,
    status: Status,
    channel: Channel,
    code: SocialCode,
    name: Name,
    birth_date: Option<BirthDate>,
    sex: Option<Sex>,
    id_number: Option<IdNumber>,
    id_issued_on: Option<NaiveDate>,
    id_issued_by: Option<String>,
    phone: Phone,
    email: Option<Email>,
    address: Option<String>,
    province_code: Option<String>,
    commune_code: Option<String>,
    guardian_name: Option<Name>,
    guardian_code: Option<SocialCode>,
    guardian_phone: Option<Phone>,
    guardian_email: Option<Email>,
    guardian_relation: Option<String>,
    submitted_at: NaiveDateTime,
    received_at: Option<NaiveDateTime>,
    due_at: NaiveDateTime,
    decided_at: Option<NaiveDateTime>,
    decided_by: Option<StaffId>,
    reason: Option<String>,
    version: i32,
}

impl Row {
    fn into_application(self, agency_name: String, decided_by_name: Option<String>) -> Application {
        let guardian = match (self.guardian_name, self.guardian_phone) {
            (Some(name), Some(phone)) => Some(Guardian {
                name,
                code: self.guardian_code,
                phone,
                email: self.guardian_email,
                relation: self.guardian_relation,
            }),
            _ => None,
        };
        Application {
            id: self.id,
            agency_id: self.agency_id,
            agency_name,
            number: self.number,
            kind: self.kind,
            status: self.status,
            channel: self.channel,
            declaration: Declaration {
                code: self.code,
                name: self.name,
                birth_date: self.birth_date,
                sex: self.sex,
                id_number: self.id_number,
                id_issued_on: self.id_issued_on,
                id_issued_by: self.id_issued_by,
                phone: self.phone,
                email: self.email,
                address: self.address,
                province_code: self.province_code,
                commune_code: self.commune_code,
                guardian,
            },
            submitted_at: self.submitted_at,
            received_at: self.received_at,
            due_at: self.due_at,
            decided_at: self.decided_at,
            decided_by: self.decided_by,
            decided_by_name,
            reason: self.reason,
            version: self.version,
        }
    }
}

/// The application, when it is within the scope.
pub fn find(conn: &mut Conn, scope: Scope, id: ApplicationId) -> QueryResult<Option<Application>> {
    let query = applications::table
        .inner_join(agencies::table)
        .left_join(staff::table.on(applications::decided_by.eq(staff::id.nullable())))
        .filter(applications::id.eq(id))
        .select((Row::as_select(), agencies::name, staff::name.nullable()));
    let row: Option<(Row, String, Option<String>)> = match scope {
        Scope::Agency(agency) => query.filter(applications::agency_id.eq(agency)).first(conn),
        Scope::Province(province) => query.filter(applications::province_id.eq(province)).first(conn),
        Scope::Country => query.first(conn),
        Scope::Nothing => return Ok(None),
    }
    .optional()?;
    Ok(row.map(|(row, agency, decider)| row.into_application(agency, decider)))
}

/// An earlier or later declaration of the same code, at whichever office.
#[derive(Queryable)]
pub struct Attempt {
    pub id: ApplicationId,
    pub agency_id: AgencyId,
    pub number: String,
    pub status: Status,
    pub submitted_at: NaiveDateTime,
    pub decided_at: Option<NaiveDateTime>,
    pub reason: Option<String>,
    pub agency_name: String,
    pub province_id: Option<AgencyId>,
}

/// The other declarations of this application's code, newest first, at whichever office: whoever decides on a person must
/// know what was decided before. What they link to is limited by the reader's scope.
pub fn attempts(conn: &mut Conn, application: &Application) -> QueryResult<Vec<Attempt>> {
    applications::table
        .inner_join(agencies::table)
        .filter(applications::code.eq(&application.declaration.code))
        .filter(applications::id.ne(application.id))
        .order(applications::submitted_at.desc())
        .limit(20)
        .select((
            applications::id,
            applications::agency_id,
            applications::number,
            applications::status,
            applications::submitted_at,
            applications::decided_at,
            applications::reason,
            agencies::name,
            applications::province_id,
        ))
        .load(conn)
}

/// The columns that hold what was declared.
macro_rules! declared {
    ($declaration:expr) => {{
        let (declaration, guardian) = ($declaration, $declaration.guardian.as_ref());
        (
            (
                applications::code.eq(&declaration.code),
                applications::name.eq(&declaration.name),
                applications::name_sort.eq($crate::domain::names::sort_key(declaration.name.as_str())),
                applications::birth_date.eq(declaration.birth_date.as_ref()),
                applications::sex.eq(declaration.sex),
                applications::id_number.eq(declaration.id_number.as_ref()),
                applications::id_issued_on.eq(declaration.id_issued_on),
                applications::id_issued_by.eq(declaration.id_issued_by.as_ref()),
                applications::phone.eq(&declaration.phone),
                applications::email.eq(declaration.email.as_ref()),
                applications::address.eq(declaration.address.as_ref()),
                applications::province_code.eq(declaration.province_code.as_ref()),
                applications::commune_code.eq(declaration.commune_code.as_ref()),
            ),
            (
                applications::guardian_name.eq(guardian.map(|g| &g.name)),
                applications::guardian_code.eq(guardian.and_then(|g| g.code.as_ref())),
                applications::guardian_phone.eq(guardian.map(|g| &g.phone)),
                applications::guardian_email.eq(guardian.and_then(|g| g.email.as_ref())),
                applications::guardian_relation.eq(guardian.and_then(|g| g.relation.as_ref())),
            ),
        )
    }};
}
pub(super) use declared;

/// A declaration to be filed.
pub struct NewApplication<'a> {
    pub agency_id: AgencyId,
    pub kind: Kind,
    pub channel: Channel,
    pub declaration: &'a Declaration,
    pub submitted_at: NaiveDateTime,
    pub received_at: Option<NaiveDateTime>,
    pub due_at: NaiveDateTime,
    pub entered_by: Option<StaffId>,
    /// The year, in Hanoi, of the number to be given.
    pub year: i32,
    /// Posting the same form twice is refused as a unique violation.
    pub request_key: Option<&'a str>,
}

/// Files a declaration under the next number of its agency's sequence.
pub fn insert(conn: &mut Conn, new: &NewApplication<'_>) -> QueryResult<(ApplicationId, ApplicationNumber)> {
    let serial = next_serial(conn, new.agency_id, new.year)?;
    let (agency_code, province_id) = agencies::table
        .find(new.agency_id)
        .select((agencies::code, agencies::province_id))
        .first::<(String, Option<AgencyId>)>(conn)?;
    let number = ApplicationNumber::compose(serial.unsigned_abs(), new.year, &agency_code);
    let declaration = new.declaration;
    let id = on_backend!(conn, c => diesel::insert_into(applications::table)
        .values((
            (
                applications::agency_id.eq(new.agency_id),
                applications::province_id.eq(province_id),
                applications::number.eq(&number),
                applications::serial.eq(serial),
                applications::kind.eq(new.kind),
                applications::status.eq(Status::Pending),
                applications::channel.eq(new.channel),
                applications::submitted_at.eq(new.submitted_at),
                applications::received_at.eq(new.received_at),
                applications::due_at.eq(new.due_at),
                applications::entered_by.eq(new.entered_by),
                applications::version.eq(1),
                applications::request_key.eq(new.request_key),
            ),
            declared!(declaration),
        ))
        .returning(applications::id)
        .get_result::<ApplicationId>(c))?;
    let tokens: Vec<_> = names::index_tokens(declaration.name.as_str())
        .into_iter()
        .map(|token| {
            (
                name_tokens::token.eq(token),
                name_tokens::application_id.eq(id),
                name_tokens::agency_id.eq(new.agency_id),
                name_tokens::province_id.eq(province_id),
            )
        })
        .collect();
    on_backend!(conn, c => diesel::insert_into(name_tokens::table).values(&tokens).execute(c))?;
    Ok((id, number))
}

/// The application that this person entered with this form.
pub fn by_request(conn: &mut Conn, request_key: &str, by: StaffId) -> QueryResult<Option<ApplicationId>> {
    applications::table
        .filter(applications::request_key.eq(request_key))
        .filter(applications::entered_by.eq(by))
        .select(applications::id)
        .first(conn)
        .optional()
}

/// Takes the next serial. The row is locked until the transaction ends, so that no number is given twice and none is lost
/// by a rollback.
fn next_serial(conn: &mut Conn, agency_id: AgencyId, year: i32) -> QueryResult<i32> {
    let row = agency_serials::table.find((agency_id, year));
    on_backend!(conn, c => diesel::insert_into(agency_serials::table)
        .values((
            agency_serials::agency_id.eq(agency_id),
            agency_serials::year.eq(year),
            agency_serials::last_serial.eq(0),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    diesel::update(row).set(agency_serials::last_serial.eq(agency_serials::last_serial + 1)).execute(conn)?;
    row.select(agency_serials::last_serial).first(conn)
}

/// Moves an application on, when nobody else has since `version`. Zero rows mean that somebody has.
pub fn set_status(
    conn: &mut Conn,
    id: ApplicationId,
    version: i32,
    status: Status,
    decided: Option<(StaffId, NaiveDateTime, Option<&str>)>,
) -> QueryResult<usize> {
    diesel::update(applications::table.filter(applications::id.eq(id)).filter(applications::version.eq(version)))
        .set((
            applications::status.eq(status),
            applications::decided_by.eq(decided.map(|(by, _, _)| by)),
            applications::decided_at.eq(decided.map(|(_, at, _)| at)),
            applications::reason.eq(decided.and_then(|(_, _, reason)| reason)),
            applications::version.eq(version + 1),
        ))
        .execute(conn)
}

/// Marks that something besides the status changed, such as a photo.
pub fn touch(conn: &mut Conn, id: ApplicationId, version: i32) -> QueryResult<usize> {
    diesel::update(applications::table.filter(applications::id.eq(id)).filter(applications::version.eq(version)))
        .set(applications::version.eq(version + 1))
        .execute(conn)
}

/// Applications that wait for their code to be issued, by id.
pub fn awaiting_codes(conn: &mut Conn, after: ApplicationId, limit: i64) -> QueryResult<Vec<ApplicationId>> {
    applications::table
        .filter(applications::status.eq(Status::AwaitingCode))
        .filter(applications::id.gt(after))
        .order(applications::id)
        .limit(limit)
        .select(applications::id)
        .load(conn)
}
