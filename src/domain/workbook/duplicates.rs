//! Who stands in a list twice. Of each row only a print is kept until the whole list was read, 48 bytes; of the rows of
//! one code then what they say together.

use std::collections::HashMap;

use super::kinds::Spec;
use super::rows::{Entry, SexColumn};
use super::{Field, Place, RefusedClass, Values};
use crate::domain::application::Sex;
use crate::domain::names::canonical;
use crate::domain::text::unaccented;

/// How many other rows of a code are told of.
const OTHERS_TOLD: usize = 50;

const MALE: u16 = 1;
const FEMALE: u16 = 2;
const CROSSED: u16 = 3;
const BLANK: u16 = 4;
/// How far the number of the column is shifted to stand above the sex.
const COLUMN: u16 = 3;

/// What is remembered of a row.
#[derive(Clone, Copy, Debug)]
pub struct Print {
    pub key: u64,
    name: u32,
    /// Year, month and day as one number; zeros where they are not known.
    birth: u32,
    /// Hashes of the compared fields; 0 where there is none.
    compared: [u32; 6],
    row: u32,
    sheet: u16,
    sex: u16,
}

/// Tells codes apart: a number is itself with its length, anything else its hash.
pub fn key_of(code: &str) -> u64 {
    match code.parse::<u64>() {
        Ok(number) if code.len() <= 16 => number << 5 | code.len() as u64,
        _ => hash(code.bytes()) | 1 << 63,
    }
}

/// FNV-1a: it only tells texts of one list apart.
fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn short_hash(bytes: impl Iterator<Item = u8>) -> u32 {
    let hash = hash(bytes);
    ((hash >> 32) ^ hash) as u32 | 1
}

fn utf8(c: char) -> impl Iterator<Item = u8> {
    (c as u32).to_le_bytes().into_iter()
}

impl Print {
    pub fn of(spec: &Spec, entry: &Entry) -> Self {
        let values = &entry.values;
        let mut compared = [0; 6];
        for (print, field) in compared.iter_mut().zip(spec.compared) {
            *print = values.get(*field).map_or(0, |value| match field {
                // Addresses are written in many ways: their letters count.
                Field::Address => {
                    let letters = value.chars().filter(|c| c.is_alphanumeric());
                    short_hash(letters.flat_map(|c| unaccented(c).to_lowercase()).flat_map(utf8))
                }
                _ => short_hash(value.bytes()),
            });
        }
        let sex = match (values.get(Field::Sex), entry.cross) {
            (Some(sex), _) if sex == Sex::Male.code() => MALE,
            (Some(_), _) => FEMALE,
            (None, Some(cross)) => cross.column << COLUMN | if cross.is_crossed { CROSSED } else { BLANK },
            (None, None) => 0,
        };
        Self {
            key: values.get(spec.key).map_or(0, key_of),
            name: values.get(Field::Name).map_or(0, |name| short_hash(canonical(name).bytes())),
            birth: values.get(Field::BirthDate).map_or(0, packed),
            compared,
            row: entry.place.row,
            sheet: entry.place.sheet,
            sex,
        }
    }

    pub fn place(&self) -> Place {
        Place { sheet: self.sheet, row: self.row }
    }
}

fn packed(date: &str) -> u32 {
    let digits = date.bytes().filter(u8::is_ascii_digit).fold(0, |number, b| number * 10 + u32::from(b - b'0'));
    match date.len() {
        4 => digits * 10_000,
        7 => digits * 100,
        _ => digits,
    }
}

/// Whether both can be one day, as far as both are known; and which says more.
fn agreed(a: u32, b: u32) -> Option<u32> {
    let precision = |date: u32| match date {
        0 => u32::MAX,
        date if date % 10_000 == 0 => 10_000,
        date if date % 100 == 0 => 100,
        _ => 1,
    };
    let coarse = precision(a).max(precision(b));
    let same = coarse == u32::MAX || a / coarse == b / coarse;
    same.then_some(if precision(a) <= precision(b) { a } else { b })
}

/// Rows of one code.
#[derive(Debug)]
pub struct Group {
    /// In the order of the file.
    places: Vec<Place>,
    contradict: bool,
    /// What later rows say differently from the first.
    differs: Vec<Field>,
}

/// The codes that stand in several rows.
#[derive(Debug, Default)]
pub struct Groups(HashMap<u64, Group>);

/// What a cell for the sex says, now that its whole column is known.
pub fn crossed_sex(columns: &[SexColumn], column: u16, is_crossed: bool) -> Option<Sex> {
    let own = columns.get(usize::from(column))?;
    // A column without a cross is of men only where the crosses of other sheets show how the list is written.
    let is_crosses = !own.words && (own.crosses || columns.iter().any(|other| other.crosses && !other.words));
    is_crosses.then_some(if is_crossed { Sex::Female } else { Sex::Male })
}

impl Groups {
    pub fn of(spec: &Spec, mut prints: Vec<Print>, columns: &[SexColumn]) -> Self {
        prints.sort_unstable_by_key(|print| (print.key, print.sheet, print.row));
        let several = prints.chunk_by(|a, b| a.key == b.key).filter(|rows| rows.len() > 1);
        Self(several.map(|rows| (rows[0].key, Group::of(spec, rows, columns))).collect())
    }

    pub fn keys_in_conflict(&self) -> impl Iterator<Item = u64> {
        self.0.iter().filter(|(_, group)| group.contradict).map(|(key, _)| *key)
    }

    /// Why the row is not taken, and which rows have its code; else what later rows of its code say differently.
    pub fn verdict(&self, key: u64, place: Place) -> Result<&[Field], (RefusedClass, Vec<Place>)> {
        let Some(group) = self.0.get(&key) else {
            return Ok(&[]);
        };
        if group.contradict {
            let others = group.places.iter().filter(|other| **other != place).take(OTHERS_TOLD);
            return Err((RefusedClass::DuplicateConflict, others.copied().collect()));
        }
        match group.places.first() {
            Some(first) if *first != place => Err((RefusedClass::DuplicateSame, vec![*first])),
            _ => Ok(&group.differs),
        }
    }
}

impl Group {
    fn of(spec: &Spec, rows: &[Print], columns: &[SexColumn]) -> Self {
        let sex = |print: &Print| match print.sex & ((1 << COLUMN) - 1) {
            MALE => Some(Sex::Male),
            FEMALE => Some(Sex::Female),
            cross @ (CROSSED | BLANK) => crossed_sex(columns, print.sex >> COLUMN, cross == CROSSED),
            _ => None,
        };
        let first = &rows[0];
        let (mut birth, mut known_sex, mut contradict) = (first.birth, sex(first), false);
        let mut differs = Vec::new();
        for row in &rows[1..] {
            match agreed(birth, row.birth) {
                Some(known) => birth = known,
                None => contradict = true,
            }
            let row_sex = sex(row);
            contradict |= row.name != first.name || matches!((known_sex, row_sex), (Some(a), Some(b)) if a != b);
            known_sex = known_sex.or(row_sex);
            for (at, field) in spec.compared.iter().enumerate() {
                let (kept, other) = (first.compared[at], row.compared[at]);
                if kept != 0 && other != 0 && kept != other && !differs.contains(field) {
                    differs.push(*field);
                }
            }
        }
        Self { places: rows.iter().map(Print::place).collect(), contradict, differs }
    }
}

/// The key of an entry.
pub fn entry_key(spec: &Spec, values: &Values) -> u64 {
    values.get(spec.key).map_or(0, key_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_print_is_small() {
        assert_eq!(size_of::<Print>(), 48);
    }

    #[test]
    fn dates_agree_as_far_as_both_are_known() {
        for (a, b, known) in [
            ("1990", "1990-05-12", Some("1990-05-12")),
            ("1990-05", "1990", Some("1990-05")),
            ("1990-05", "1990-06", None),
            ("1990-05-12", "1990-05-12", Some("1990-05-12")),
            ("1990-05-12", "1991", None),
        ] {
            assert_eq!(agreed(packed(a), packed(b)), known.map(packed), "{a} {b}");
            assert_eq!(agreed(packed(b), packed(a)).is_some(), known.is_some());
        }
        assert_eq!(agreed(0, packed("1990")), Some(packed("1990")));
    }

    #[test]
    fn codes_of_different_length_are_different() {
        assert_ne!(key_of("0123456789"), key_of("000123456789"));
        assert_ne!(key_of("001"), key_of("00001"));
        assert_ne!(key_of("an.nv"), key_of("an.nt"));
    }
}
