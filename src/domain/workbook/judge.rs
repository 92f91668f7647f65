//! The second pass: what only the whole list tells.

use std::collections::{HashMap, HashSet};

use super::duplicates::{Groups, Print, crossed_sex, entry_key};
use super::kinds::Spec;
use super::offices::Offices;
use super::rows::{Entry, SexColumn, unknown_parent};
use super::{Field, Kind, Place, Record, Refused, RefusedClass, Warning, WarningClass};
use crate::domain::application::Sex;
use crate::domain::dates::BirthDate;

/// The agencies of a list that is being read, which name each other in any order.
#[derive(Default)]
pub struct Family(Vec<Relative>);

struct Relative {
    place: Place,
    code: String,
    name: String,
    parent: Option<String>,
}

impl Family {
    pub fn add(&mut self, entry: &Entry) {
        let value = |field| entry.values.get(field).map(str::to_owned);
        self.0.push(Relative {
            place: entry.place,
            code: value(Field::Code).unwrap_or_default(),
            name: value(Field::Name).unwrap_or_default(),
            parent: value(Field::ParentCode),
        });
    }

    /// All agencies that the list may name, and the rows whose parent is none of them: neither known nor taken from the
    /// list. `refused` are codes of which the list takes no row.
    fn settle(&self, known: &Offices, refused: &HashSet<u64>) -> (Offices, HashSet<Place>) {
        let mut all = known.clone();
        self.0.iter().for_each(|row| all.add(&row.code, &row.name));
        let parent = |row: &Relative| row.parent.as_ref().map(|parent| all.find(parent).map(str::to_owned));
        let mut children: HashMap<String, Vec<usize>> = HashMap::new();
        let mut reached: Vec<usize> = Vec::new();
        for (at, row) in self.0.iter().enumerate() {
            match parent(row) {
                None => reached.push(at),
                Some(Some(code)) if known.has(&code) => reached.push(at),
                Some(Some(code)) => children.entry(code).or_default().push(at),
                Some(None) => {}
            }
        }
        let mut unknown: HashSet<Place> = self.0.iter().map(|row| row.place).collect();
        while let Some(at) = reached.pop() {
            let row = &self.0[at];
            unknown.remove(&row.place);
            if !refused.contains(&super::duplicates::key_of(&row.code)) {
                reached.extend(children.remove(&row.code).unwrap_or_default());
            }
        }
        (all, unknown)
    }
}

/// Knows the whole list.
pub struct Judge {
    spec: &'static Spec,
    sex_columns: Vec<SexColumn>,
    groups: Groups,
    agencies: Offices,
    /// Rows of agencies whose parent is not known.
    unknown: HashSet<Place>,
}

impl Judge {
    pub(super) fn new(
        spec: &'static Spec,
        sex_columns: Vec<SexColumn>,
        prints: Vec<Print>,
        known: &Offices,
        family: &Family,
    ) -> Self {
        if spec.kind != Kind::Agencies {
            let groups = Groups::of(spec, prints, &sex_columns);
            return Self { spec, sex_columns, groups, agencies: Offices::default(), unknown: HashSet::new() };
        }
        let among = |unknown: &HashSet<Place>| {
            let with_parent = prints.iter().filter(|print| !unknown.contains(&print.place())).copied().collect();
            Groups::of(spec, with_parent, &sex_columns)
        };
        // Codes that contradict themselves are not taken, so that nobody can stand below them; whom they contradict was
        // seen before.
        let (_, unknown) = family.settle(known, &HashSet::new());
        let groups = among(&unknown);
        let refused = groups.keys_in_conflict().collect();
        let (agencies, unknown) = family.settle(known, &refused);
        Self { spec, sex_columns, groups, agencies, unknown }
    }

    /// Settles a row; rows come in the order of the first pass.
    ///
    /// # Errors
    /// Why the row is not taken.
    pub fn settle(&self, entry: Entry) -> Result<(Record, Vec<Warning>), Refused> {
        let key = entry_key(self.spec, &entry.values);
        if self.unknown.contains(&entry.place) {
            let value = entry.values.get(Field::ParentCode).map(str::to_owned);
            return Err(unknown_parent(&entry, value));
        }
        let differs = match self.groups.verdict(key, entry.place) {
            Ok(differs) => differs,
            Err((class, others)) => return Err(self.duplicate(&entry, class, others)),
        };
        let Entry { place, mut values, cross, warnings, .. } = entry;
        let warning = |(class, field, value)| Warning { place, class, field, value };
        let mut warnings: Vec<Warning> = warnings.into_iter().map(warning).collect();
        let mut warn = |class, field, value: Option<&str>| {
            warnings.push(Warning { place, class, field, value: value.map(str::to_owned) });
        };
        if let Some(cross) = cross {
            match crossed_sex(&self.sex_columns, cross.column, cross.is_crossed) {
                Some(sex) => values.set(Field::Sex, sex.code().to_owned()),
                None if cross.is_crossed => warn(WarningClass::BadSex, Field::Sex, Some("x")),
                None => {}
            }
        }
        if let Some(parent) = values.get(Field::ParentCode).and_then(|typed| self.agencies.find(typed)) {
            values.set(Field::ParentCode, parent.to_owned());
        }
        let sex = values.get(Field::Sex).and_then(Sex::from_code);
        if let Some(id) = values.get(Field::IdNumber)
            && disagrees(id, sex, values.get(Field::BirthDate))
        {
            warn(WarningClass::IdMismatch, Field::IdNumber, Some(id));
        }
        if let Some(relation) = values.get(Field::RelationCode)
            && sex.is_some_and(|sex| sex_of_relation(relation).is_some_and(|said| said != sex))
        {
            warn(WarningClass::RelationSex, Field::RelationCode, Some(relation));
        }
        for field in differs {
            warn(WarningClass::DuplicateDiffers, *field, values.get(*field));
        }
        Ok((Record { place, values }, warnings))
    }

    fn duplicate(&self, entry: &Entry, class: RefusedClass, others: Vec<Place>) -> Refused {
        let rows: Vec<String> = others.iter().take(5).map(|place| place.row.to_string()).collect();
        let rows = rows.join(", ");
        let more = if others.len() > 5 { "…" } else { "" };
        let reason = match class {
            RefusedClass::DuplicateSame => {
                format!("Đã có ở dòng {rows}; dòng đó được giữ, dòng này bỏ qua.")
            }
            _ => format!(
                "Dòng này và dòng {rows}{more} cùng mã nhưng khác tên, ngày sinh hoặc giới tính, nên không dòng nào được \
                 nhập. Hãy đối chiếu và giữ lại dòng đúng."
            ),
        };
        let key = entry.values.get(self.spec.key).map(str::to_owned);
        let value = entry.key_cell.clone().or(key);
        Refused { place: entry.place, class, field: self.spec.key, value, other_rows: others, reason }
    }
}

/// Whether a 12-digit number says another sex or birth year than what is known.
fn disagrees(id: &str, sex: Option<Sex>, birth_date: Option<&str>) -> bool {
    let [_, _, _, century, tens, ones, ..] = *id.as_bytes() else {
        return false;
    };
    if id.len() != 12 || !id.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let century = i32::from(century - b'0');
    let year = 1900 + century / 2 * 100 + i32::from(tens - b'0') * 10 + i32::from(ones - b'0');
    let said = if century % 2 == 0 { Sex::Male } else { Sex::Female };
    let born = birth_date.map(|date| BirthDate::from_stored(date.to_owned()).year());
    sex.is_some_and(|sex| sex != said) || born.is_some_and(|born| born != year)
}

fn sex_of_relation(code: &str) -> Option<Sex> {
    match code {
        "02" | "03" | "06" | "10" | "14" | "17" | "20" => Some(Sex::Male),
        "01" | "04" | "07" | "11" | "12" | "13" | "15" | "18" | "19" => Some(Sex::Female),
        _ => None,
    }
}
