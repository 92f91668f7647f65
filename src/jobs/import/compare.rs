//! What a row that is taken would change, given what the database knows. The dry run asks this, and the import asks it
//! again in the transaction that writes.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::db::listed::{self, Known};
use crate::db::{Conn, DbError, imports};
use crate::domain::names::Name;
use crate::domain::permission::Scope;
use crate::domain::registry::Verdict;
use crate::domain::workbook::merge::merged;
use crate::domain::workbook::{Field, Kind, Record, Refused, RefusedClass, Values};

/// What a row changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Change {
    Added,
    /// The values after the import.
    Changed(Values),
    Unchanged,
}

impl Change {
    pub fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Added, Self::Added) | (Self::Unchanged, Self::Unchanged) => true,
            (Self::Changed(one), Self::Changed(other)) => one.agree(other),
            _ => false,
        }
    }
}

/// Who imports what.
pub struct Importer<'a> {
    pub kind: Kind,
    pub sha256: &'a str,
    /// What the person reaches; the command line reaches the country.
    pub scope: Scope,
    /// The person's own sign-in name.
    pub login: Option<&'a str>,
    /// Codes of the agencies that the person reaches.
    pub offices: &'a HashSet<String>,
}

/// The code, or the sign-in name.
pub fn key(kind: Kind, values: &Values) -> &str {
    values.get(kind.key()).unwrap_or_default()
}

/// What the database knows of some people or agencies.
pub struct Background {
    known: HashMap<String, Known>,
    /// Of applications: who the registry says they are.
    members: HashMap<String, Known>,
    /// Of applications: who was in the very same file when it was imported before.
    filed: HashSet<String>,
}

impl Background {
    pub fn of<'a>(
        conn: &mut Conn,
        importer: &Importer<'_>,
        records: impl Iterator<Item = &'a Record>,
    ) -> Result<Self, DbError> {
        let kind = importer.kind;
        let keys: Vec<&str> = records.map(|record| key(kind, &record.values)).collect();
        let mut background =
            Self { known: listed::known(conn, kind, &keys)?, members: HashMap::new(), filed: HashSet::new() };
        if kind == Kind::Applications {
            background.members = listed::known(conn, Kind::Registry, &keys)?;
            background.filed = imports::written_by_same_file(conn, kind, importer.sha256, &keys)?.into_iter().collect();
        }
        Ok(background)
    }

    pub fn known(&self, kind: Kind, record: &Record) -> Option<&Known> {
        self.known.get(key(kind, &record.values))
    }

    /// What the registry says of an applicant.
    pub fn verdict(&self, importer: &Importer<'_>, record: &Record) -> Option<Verdict> {
        let name = record.values.get(Field::Name).filter(|_| importer.kind == Kind::Applications)?;
        let member = self.members.get(key(importer.kind, &record.values));
        let member = member.and_then(|known| known.values.get(Field::Name)).map(str::to_owned);
        Some(Verdict::of_names(name, member.map(Name::from_stored).as_ref()))
    }

    /// What a record changes. `added` are the keys that the same list has added before.
    ///
    /// # Errors
    /// The person may not change that, or the database holds something that a list cannot replace.
    pub fn change(&self, importer: &Importer<'_>, record: &Record, added: &HashSet<String>) -> Result<Change, Refused> {
        let kind = importer.kind;
        if self.filed.contains(key(kind, &record.values)) {
            return Ok(Change::Unchanged);
        }
        if let Some(refused) = out_of_reach(importer, record) {
            return Err(refused);
        }
        let Some(known) = self.known(kind, record) else {
            return match missing_above(importer, record, added) {
                Some(refused) => Err(refused),
                None => Ok(Change::Added),
            };
        };
        let after = merged(record.values.clone(), &known.values);
        if after.agree(&known.values) && listed::reaches(importer.scope, known) {
            return Ok(Change::Unchanged);
        }
        match in_the_way(importer, record, known, &after) {
            Some(refused) => Err(refused),
            None => Ok(Change::Changed(after)),
        }
    }
}

fn refuse(record: &Record, class: RefusedClass, field: Field, reason: String) -> Refused {
    let value = record.values.get(field).map(str::to_owned);
    Refused { place: record.place, class, field, value, other_rows: Vec::new(), reason }
}

/// Staff and applications are of an office that the person reaches, also at the moment of writing.
fn out_of_reach(importer: &Importer<'_>, record: &Record) -> Option<Refused> {
    let office = record.values.get(Field::AgencyCode)?;
    (!importer.offices.contains(office)).then(|| {
        let reason = "Cơ quan này nằm ngoài phạm vi quản lý của bạn. Hãy gửi dòng này cho quản trị cấp trên.";
        refuse(record, RefusedClass::UnknownAgency, Field::AgencyCode, reason.into())
    })
}

/// A new agency stands below one that the person reaches; only the country's admin adds one below nobody.
fn missing_above(importer: &Importer<'_>, record: &Record, added: &HashSet<String>) -> Option<Refused> {
    if importer.kind != Kind::Agencies || importer.scope == Scope::Country {
        return None;
    }
    let parent = record.values.get(Field::ParentCode);
    let reached = parent.is_some_and(|code| importer.offices.contains(code) || added.contains(code));
    (!reached).then(|| {
        let reason = "Cơ quan cấp trên nằm ngoài phạm vi quản lý của bạn. Hãy gửi dòng này cho quản trị cấp trên.";
        refuse(record, RefusedClass::UnknownAgency, Field::ParentCode, reason.into())
    })
}

/// Why what is known may not be replaced by what the list says.
fn in_the_way(importer: &Importer<'_>, record: &Record, known: &Known, after: &Values) -> Option<Refused> {
    let differs = |field| known.values.get(field) != after.get(field);
    let reached = listed::reaches(importer.scope, known);
    let (class, field, reason) = match importer.kind {
        Kind::Registry => return None,
        Kind::Applications => {
            // Whoever does not reach that office learns nothing of it.
            let number = known.number.as_deref().filter(|_| reached).unwrap_or("ở một cơ quan khác");
            let reason = format!(
                "Mã số này đã có hồ sơ {number} với nội dung khác, đang chờ duyệt hoặc đã duyệt. Hãy xem hồ sơ đó; nếu cần \
                 sửa thông tin, dùng Đăng ký thay đổi thông tin."
            );
            (RefusedClass::AlreadyDeclared, Field::Code, reason)
        }
        _ if !reached => {
            let reason = "Thuộc cơ quan ngoài phạm vi quản lý của bạn. Hãy gửi dòng này cho quản trị cấp trên.";
            (RefusedClass::UnknownAgency, importer.kind.key(), reason.to_owned())
        }
        Kind::Agencies if differs(Field::ParentCode) => {
            let parent = known.values.get(Field::ParentCode).unwrap_or("trung ương");
            let reason = format!(
                "Cơ quan này đang trực thuộc {parent}. Đổi cơ quan cấp trên làm đổi phạm vi hồ sơ, nên không làm được bằng \
                 cách nhập danh sách."
            );
            (RefusedClass::UnknownAgency, Field::ParentCode, reason)
        }
        Kind::Staff
            if importer.login == known.values.get(Field::Login)
                && (differs(Field::Role) || differs(Field::AgencyCode)) =>
        {
            let reason = "Không thể tự đổi vai trò hoặc cơ quan của chính mình. Hãy nhờ một quản trị khác.";
            (RefusedClass::BadRole, Field::Role, reason.to_owned())
        }
        // The office that a person is moved to was looked for among those that whoever imports reaches.
        Kind::Agencies | Kind::Staff => return None,
    };
    Some(refuse(record, class, field, reason))
}
