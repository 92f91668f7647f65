//! Applications, one at a time. Every function that reads for a person takes their scope and puts it into the query.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::agencies::Agency;
use super::schema::{agencies, agency_serials, applications, name_tokens, staff};
use super::{Conn, one_row, stays};
use crate::domain::account::Account;
use crate::domain::application::{Application, Channel, Declaration, Guardian, Kind, Sex, Status};
use crate::domain::dates::BirthDate;
use crate::domain::ids::{AgencyId, ApplicationId, StaffId};
use crate::domain::names::{self, Name};
use crate::domain::numbers::{ApplicationNumber, Email, IdNumber, Phone, SocialCode};
use crate::domain::permission::Scope;
use crate::domain::report::Entered;
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
    submitted_at: NaiveDateTime,
    received_at: Option<NaiveDateTime>,
    due_at: NaiveDateTime,
    decided_at: Option<NaiveDateTime>,
    decided_by: Option<StaffId>,
    reason: Option<String>,
    erased_at: Option<NaiveDateTime>,
    version: i32,
}

/// What was declared, as a row of applications or of accounts has it.
#[derive(Queryable)]
pub(super) struct Declared {
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
}

/// The columns of [`Declared`].
macro_rules! declared_columns {
    ($table:ident) => {
        (
            $table::code,
            $table::name,
            $table::birth_date,
            $table::sex,
            $table::id_number,
            $table::id_issued_on,
            $table::id_issued_by,
            $table::phone,
            $table::email,
            $table::address,
            $table::province_code,
            $table::commune_code,
            $table::guardian_name,
            $table::guardian_code,
            $table::guardian_phone,
            $table::guardian_email,
            $table::guardian_relation,
        )
    };
}
pub(super) use declared_columns;

impl From<Declared> for Declaration {
    fn from(row: Declared) -> Self {
        let guardian = match (row.guardian_name, row.guardian_phone) {
            (Some(name), Some(phone)) => Some(Guardian {
                name,
                code: row.guardian_code,
                phone,
                email: row.guardian_email,
                relation: row.guardian_relation,
            }),
            _ => None,
        };
        Self {
            code: row.code,
            name: row.name,
            birth_date: row.birth_date,
            sex: row.sex,
            id_number: row.id_number,
            id_issued_on: row.id_issued_on,
            id_issued_by: row.id_issued_by,
            phone: row.phone,
            email: row.email,
            address: row.address,
            province_code: row.province_code,
            commune_code: row.commune_code,
            guardian,
        }
    }
}

impl Row {
    fn into_application(
        self,
        declaration: Declaration,
        agency_name: String,
        decided_by_name: Option<String>,
    ) -> Application {
        Application {
            id: self.id,
            agency_id: self.agency_id,
            agency_name,
            number: self.number,
            kind: self.kind,
            status: self.status,
            channel: self.channel,
            declaration,
            submitted_at: self.submitted_at,
            received_at: self.received_at,
            due_at: self.due_at,
            decided_at: self.decided_at,
            decided_by: self.decided_by,
            decided_by_name,
            reason: self.reason,
            erased_at: self.erased_at,
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
        .select((Row::as_select(), declared_columns!(applications), agencies::name, staff::name.nullable()));
    let row: Option<(Row, Declared, String, Option<String>)> = match scope {
        Scope::Agency(agency) => query.filter(applications::agency_id.eq(agency)).first(conn),
        Scope::Province(province) => query.filter(applications::province_id.eq(province)).first(conn),
        Scope::Country => query.first(conn),
        Scope::Nothing => return Ok(None),
    }
    .optional()?;
    Ok(row.map(|(row, declared, agency, decider)| row.into_application(declared.into(), agency, decider)))
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

/// The last declaration of the same code that was rejected before this one, at whichever office.
pub fn rejected_before(conn: &mut Conn, application: &Application) -> QueryResult<Option<Application>> {
    let earlier = applications::table
        .filter(applications::code.eq(&application.declaration.code))
        .filter(applications::id.ne(application.id))
        .filter(applications::status.eq(Status::Rejected))
        .filter(applications::submitted_at.le(application.submitted_at))
        .order((applications::submitted_at.desc(), applications::id.desc()))
        .select(applications::id)
        .first(conn)
        .optional()?;
    match earlier {
        Some(id) => find(conn, Scope::Country, id),
        None => Ok(None),
    }
}

/// The columns of a table (of applications or of accounts) that hold what was declared.
macro_rules! declared {
    ($table:ident, $declaration:expr) => {{
        let (declaration, guardian) = ($declaration, $declaration.guardian.as_ref());
        (
            (
                $table::code.eq(&declaration.code),
                $table::name.eq(&declaration.name),
                $table::birth_date.eq(declaration.birth_date.as_ref()),
                $table::sex.eq(declaration.sex),
                $table::id_number.eq(declaration.id_number.as_ref()),
                $table::id_issued_on.eq(declaration.id_issued_on),
                $table::id_issued_by.eq(declaration.id_issued_by.as_ref()),
                $table::phone.eq(&declaration.phone),
                $table::email.eq(declaration.email.as_ref()),
                $table::address.eq(declaration.address.as_ref()),
                $table::province_code.eq(declaration.province_code.as_ref()),
                $table::commune_code.eq(declaration.commune_code.as_ref()),
            ),
            (
                $table::guardian_name.eq(guardian.map(|g| &g.name)),
                $table::guardian_code.eq(guardian.and_then(|g| g.code.as_ref())),
                $table::guardian_phone.eq(guardian.map(|g| &g.phone)),
                $table::guardian_email.eq(guardian.and_then(|g| g.email.as_ref())),
                $table::guardian_relation.eq(guardian.and_then(|g| g.relation.as_ref())),
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
            applications::name_sort.eq(names::sort_key(declaration.name.as_str())),
            declared!(applications, declaration),
        ))
        .returning(applications::id)
        .get_result::<ApplicationId>(c))?;
    index_name(conn, &declaration.name, id, new.agency_id, province_id)?;
    stays::enter(conn, id, (new.agency_id, province_id), new.channel, Entered::Filed, new.submitted_at)?;
    Ok((id, number))
}

/// Lets a search find the application, and the account that came from it, by this name, besides those it has already.
pub fn index_name(
    conn: &mut Conn,
    name: &Name,
    id: ApplicationId,
    agency_id: AgencyId,
    province_id: Option<AgencyId>,
) -> QueryResult<()> {
    let tokens: Vec<_> = names::index_tokens(name.as_str())
        .into_iter()
        .map(|token| {
            (
                name_tokens::token.eq(token),
                name_tokens::application_id.eq(id),
                name_tokens::agency_id.eq(agency_id),
                name_tokens::province_id.eq(province_id),
            )
        })
        .collect();
    on_backend!(conn, c => diesel::insert_into(name_tokens::table).values(&tokens).on_conflict_do_nothing().execute(c))?;
    Ok(())
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

/// Writes when the person came with the papers, and until when to act. Within a change of the status.
pub fn set_received(conn: &mut Conn, id: ApplicationId, at: NaiveDateTime, due_at: NaiveDateTime) -> QueryResult<()> {
    let set = (applications::received_at.eq(at), applications::due_at.eq(due_at));
    one_row(diesel::update(applications::table.find(id)).set(set).execute(conn)?)
}

/// Lets a search find an account by the new name of its holder, besides the earlier ones.
pub fn index_account_name(conn: &mut Conn, account: &Account) -> QueryResult<()> {
    let id = account.application_id;
    let office = applications::table.find(id).select((applications::agency_id, applications::province_id));
    let (agency, province): (AgencyId, Option<AgencyId>) = office.first(conn)?;
    index_name(conn, &account.holder.name, id, agency, province)
}

/// Gives an application to another agency, when nobody has changed it since `version`; its number stays. Zero rows mean that
/// somebody has.
pub fn give_to(
    conn: &mut Conn,
    id: ApplicationId,
    version: i32,
    agency: &Agency,
    at: NaiveDateTime,
) -> QueryResult<usize> {
    let row = applications::table.filter(applications::id.eq(id)).filter(applications::version.eq(version));
    let changed = diesel::update(row)
        .set((
            applications::agency_id.eq(agency.id),
            applications::province_id.eq(agency.province_id),
            applications::version.eq(version + 1),
        ))
        .execute(conn)?;
    if changed == 1 {
        diesel::update(name_tokens::table.filter(name_tokens::application_id.eq(id)))
            .set((name_tokens::agency_id.eq(agency.id), name_tokens::province_id.eq(agency.province_id)))
            .execute(conn)?;
        super::messages::follow(conn, id, agency)?;
        // The account that it was granted before it was opened again goes along.
        super::accounts::follow(conn, id, (agency.id, agency.province_id), at)?;
    }
    Ok(changed)
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
