//! One import: what the page shows follows from where it stands.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDateTime;
use serde::Deserialize;

use super::columns::{self, Faults, Sheet, Typed};
use super::progress::Progress;
use crate::clock;
use crate::db::imports::{Import, Listed};
use crate::domain::application::Sex;
use crate::domain::dates::{BirthDate, show_date};
use crate::domain::ids::ImportId;
use crate::domain::import::ImportState;
use crate::domain::permission::{Actor, Role};
use crate::domain::places::relation_name;
use crate::domain::text::FieldError;
use crate::domain::workbook::{Field, Kind, Place, Record, Refused, Warning};
use crate::error::AppError;
use crate::jobs::import::folder::{Folder, List, PAGE};
use crate::jobs::import::read::{Changed, Found};
use crate::startup::Parts;
use crate::web::allowed::{self, Allowed};
use crate::web::session::TypedSession;
use crate::web::{Chrome, Errors, Menu, page};

/// A page of one of the lists that reading left behind.
enum Rows {
    Refused(Vec<Refused>),
    Warnings(Vec<Warning>),
    Changed(Vec<Changed>),
    Records(Vec<Record>),
}

impl Rows {
    fn load(folder: &Folder, list: List, number: u64) -> std::io::Result<Self> {
        Ok(match list {
            List::Refused => Self::Refused(folder.page(list, number)?),
            List::Warnings => Self::Warnings(folder.page(list, number)?),
            List::Changed => Self::Changed(folder.page(list, number)?),
            List::Added | List::Unchanged => Self::Records(folder.page(list, number)?),
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Refused(rows) => rows.len(),
            Self::Warnings(rows) => rows.len(),
            Self::Changed(rows) => rows.len(),
            Self::Records(rows) => rows.len(),
        }
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A number of the result, and the list behind it.
struct Tile {
    label: &'static str,
    class: &'static str,
    count: i64,
    list: Option<List>,
}

#[derive(Template)]
#[template(path = "imports/detail.html")]
struct ImportPage {
    chrome: Chrome,
    import: Import,
    by: Option<String>,
    found: Option<Found>,
    progress: Option<Progress>,
    sheets: Vec<Sheet>,
    fields: Vec<Field>,
    may_correct: bool,
    shown: Option<List>,
    rows: Rows,
    /// Of the page of rows, from 1.
    number: u64,
    has_next: bool,
    errors: Errors,
    refusal: Option<String>,
}

impl ImportPage {
    fn short(import: &Import) -> &str {
        super::short(import)
    }

    fn seen(&self) -> String {
        super::seen(&self.import)
    }

    fn meanwhile(&self) -> &'static str {
        match self.import.state {
            ImportState::Reading => "Chưa có gì được ghi. Bạn có thể rời trang này; việc đọc vẫn tiếp tục.",
            ImportState::Applying => "Chưa có gì thay đổi cho đến khi ghi xong toàn bộ. Bạn có thể rời trang này.",
            _ => "Bạn có thể rời trang này; việc này vẫn tiếp tục.",
        }
    }

    /// It broke or was let go of: there is nothing to decide on before it is read once more.
    fn may_only_be_read(&self) -> bool {
        matches!(self.import.state, ImportState::Failed | ImportState::Cancelled) && self.import.has_files
    }

    /// What a person is to decide on.
    fn lead(&self) -> &'static str {
        let counts = self.import.counts;
        match (counts.added + counts.changed, counts.refused) {
            (0, 0) => "Mọi dòng trong tệp đều đã có và không khác gì. Không có gì để ghi.",
            (0, _) => "Không có gì mới để ghi. Các dòng bị từ chối cần được sửa trong tệp rồi tải lên lại.",
            (_, 0) => "Đã đọc xong, chưa ghi gì. Hãy xem kết quả rồi bấm Nhập.",
            _ => {
                "Đã đọc xong, chưa ghi gì. Nếu bấm Nhập, các dòng đúng được ghi, các dòng bị từ chối thì không; hãy tải về, \
                 sửa rồi nhập lại sau."
            }
        }
    }

    fn apply_words(&self) -> &'static str {
        match self.import.kind {
            Kind::Registry => "Nhập vào danh bạ",
            Kind::Agencies => "Nhập danh mục cơ quan",
            Kind::Staff => "Nhập danh sách cán bộ",
            Kind::Applications => "Nhập hồ sơ",
        }
    }

    fn written(&self) -> i64 {
        self.import.counts.added + self.import.counts.changed
    }

    fn tiles(&self) -> [Tile; 6] {
        let counts = self.import.counts;
        let tile = |label, class, count, list| Tile { label, class, count, list };
        [
            tile("Mới", "added", counts.added, Some(List::Added)),
            tile("Thay đổi", "changed", counts.changed, Some(List::Changed)),
            tile("Không đổi", "unchanged", counts.unchanged, Some(List::Unchanged)),
            tile("Cảnh báo", "warned", counts.warned, Some(List::Warnings)),
            tile("Từ chối", "refused", counts.refused, Some(List::Refused)),
            tile("Ô đã tự sửa", "repaired", counts.repaired, None),
        ]
    }

    fn title(list: &List) -> &'static str {
        match list {
            List::Refused => "Các dòng bị từ chối",
            List::Warnings => "Các dòng được nhận, có cảnh báo",
            List::Changed => "Các dòng có thay đổi",
            List::Added => "Một số dòng mới",
            List::Unchanged => "Một số dòng không đổi",
        }
    }

    /// The columns stand open where a person has to say what they are.
    fn opens_columns(&self) -> bool {
        self.may_correct
            && (self.import.state == ImportState::Refused || self.sheets.iter().any(|sheet| sheet.fault.is_some()))
    }

    /// A sheet that nothing is read from is shown only where somebody looks for one to read.
    fn opens(&self, sheet: &Sheet) -> bool {
        !sheet.is_unknown || sheet.fault.is_some() || self.sheets.iter().all(|sheet| sheet.is_unknown)
    }

    /// Whether rows have to say on which sheet they stand.
    fn has_sheets(&self) -> bool {
        self.sheets.iter().filter(|sheet| !sheet.is_unknown).count() > 1
    }

    fn sheet(&self, place: &Place) -> &str {
        self.sheets.get(usize::from(place.sheet)).map_or("", |sheet| sheet.name.as_str())
    }

    /// The field's column as the file calls it.
    fn column(&self, place: &Place, field: &Field) -> String {
        let sheet = self.sheets.get(usize::from(place.sheet));
        let column = sheet.and_then(|sheet| sheet.columns.iter().find(|column| column.field == Some(*field)));
        match column {
            Some(column) if column.label.is_empty() => format!("{} · {}", column.letters, field.label()),
            Some(column) => format!("{} · {}", column.letters, column.label),
            None => field.label().to_owned(),
        }
    }

    fn name_label(&self) -> &'static str {
        if self.import.kind == Kind::Agencies { "Tên cơ quan" } else { Field::Name.label() }
    }

    /// The fields of a list of people or agencies that have room on the page.
    fn columns_shown(&self) -> &'static [Field] {
        use Field::{
            AgencyCode, BirthDate, Code, Email, HouseholdCode, IdNumber, Login, Name, ParentCode, Phone, ProvinceCode,
            RelationCode, Role, Sex, ValidFrom,
        };
        match self.import.kind {
            Kind::Registry => &[Code, Name, BirthDate, Sex, IdNumber, Phone, HouseholdCode, RelationCode],
            Kind::Agencies => &[Code, Name, ParentCode, ProvinceCode, ValidFrom],
            Kind::Staff => &[Login, Name, Role, AgencyCode, Email],
            Kind::Applications => &[Code, Name, BirthDate, Sex, IdNumber, Phone, AgencyCode],
        }
    }

    /// What a cell holds, unless that is nothing but spaces.
    fn said(value: &Option<String>) -> Option<&str> {
        value.as_deref().filter(|value| !value.trim().is_empty())
    }

    /// A checked value in the words of the screen.
    fn value(field: &Field, value: &str) -> String {
        let word = match field {
            Field::BirthDate => return BirthDate::from_stored(value.to_owned()).to_string(),
            Field::ValidFrom => return value.parse().map_or_else(|_| value.to_owned(), show_date),
            Field::Sex => Sex::from_code(value).map(Sex::label),
            Field::Role => Role::from_code(value).map(Role::label),
            Field::RelationCode => relation_name(value),
            _ => None,
        };
        word.unwrap_or(value).to_owned()
    }
}

/// What the page shows besides the import itself.
#[derive(Default)]
pub struct Shown {
    pub show: String,
    pub page: u64,
    /// What was typed into the columns, and what is wrong with it.
    pub typed: Option<(Typed, Faults)>,
    pub unconfirmed: bool,
    pub refusal: Option<String>,
}

struct Loaded {
    listed: Listed,
    found: Option<Found>,
    shown: Option<List>,
    rows: Rows,
    has_next: bool,
}

/// Reads from database and disk. Blocks.
fn load(parts: &Parts, actor: &Actor, id: ImportId, asked: Option<List>, number: u64) -> Result<Loaded, AppError> {
    let listed = parts.db.read(|conn| super::find(conn, actor, id))?;
    let import = &listed.0;
    let folder = Folder::of(&parts.config.data_dir, id);
    // While the worker reads, what an earlier reading found is about to be replaced.
    let found: Option<Found> = match import.state {
        ImportState::Reading => None,
        _ if !import.has_files => None,
        _ => folder.kept(Found::NAME)?,
    };
    let counts = import.counts;
    let first = match counts {
        _ if counts.refused > 0 => List::Refused,
        _ if counts.warned > 0 => List::Warnings,
        _ if counts.changed > 0 => List::Changed,
        _ => List::Added,
    };
    let shown = found.as_ref().filter(|found| found.fault.is_none()).map(|_| asked.unwrap_or(first));
    let rows = Rows::load(&folder, shown.unwrap_or(List::Refused), number - 1)?;
    let has_next = rows.len() == PAGE && !Rows::load(&folder, shown.unwrap_or(List::Refused), number)?.is_empty();
    Ok(Loaded { listed, found, shown, rows, has_next })
}

pub async fn show(
    person: &Allowed<allowed::Import>,
    session: &TypedSession,
    parts: &web::Data<Parts>,
    id: ImportId,
    shown: Shown,
) -> Result<HttpResponse, AppError> {
    let (actor, of, asked) = ((**person).clone(), parts.clone(), List::from_code(&shown.show));
    let number = shown.page.clamp(1, 1_000_000_000);
    let loaded = web::block(move || load(&of, &actor, id, asked, number)).await??;
    let Loaded { listed: (import, by), found, shown: list, rows, has_next } = loaded;
    let (typed, faults) = shown.typed.unzip();
    let faults = faults.unwrap_or_default();
    let mut sheets = columns::sheets(found.as_ref().map_or(&[], |found| &found.sheets), typed.as_ref());
    for (at, fault) in &faults {
        if let Some(sheet) = sheets.get_mut(*at) {
            sheet.fault = Some(fault.clone());
        }
    }
    let mut errors = Errors::default();
    if shown.unconfirmed {
        errors.0.push(("confirmed", FieldError::new("Hãy xem chữ sau khi chuyển mã rồi đánh dấu vào đây.")));
    }
    let status = match (&shown.refusal, faults.is_empty() && errors.is_empty()) {
        (Some(_), _) => StatusCode::CONFLICT,
        (None, false) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, true) => StatusCode::OK,
    };
    let now: NaiveDateTime = clock::now();
    let data = ImportPage {
        chrome: Chrome::new(person, session, Menu::Imports),
        progress: import.state.is_at_work().then(|| Progress::of(&import, now)),
        may_correct: import.state.may_read_again(),
        fields: import.kind.fields().collect(),
        by,
        found,
        sheets,
        shown: list,
        rows,
        number,
        has_next,
        errors,
        refusal: shown.refusal,
        import,
    };
    page(&data, status)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct At {
    show: String,
    page: u64,
}

/// `GET /imports/{id}`
pub async fn get(
    person: Allowed<allowed::Import>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    at: web::Query<At>,
) -> Result<HttpResponse, AppError> {
    let At { show: list, page } = at.into_inner();
    let shown = Shown { show: list, page, ..Shown::default() };
    show(&person, &session, &parts, ImportId(path.into_inner()), shown).await
}
