//! The agencies that a list may name, found in the ways people write them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use crate::domain::names::{canonical, folded};

/// Agencies by code, by number and by name. A number or a name that several have finds none.
#[derive(Clone, Debug, Default)]
pub struct Offices {
    codes: HashSet<String>,
    by_number: HashMap<u64, Option<String>>,
    by_name: HashMap<String, Option<String>>,
}

fn add(map: &mut HashMap<String, Option<String>>, key: String, code: &str) {
    match map.entry(key) {
        Entry::Vacant(free) => drop(free.insert(Some(code.to_owned()))),
        Entry::Occupied(mut taken) => {
            if taken.get().as_deref() != Some(code) {
                taken.insert(None);
            }
        }
    }
}

/// The name in one spelling, without the words that every agency has.
fn keys(name: &str) -> [String; 2] {
    let bare = |name: String, whole: &str| {
        let name = name.strip_prefix("bhxh").or_else(|| name.strip_prefix(whole)).unwrap_or(&name);
        name.trim_matches([' ', '-', ':', '.', ',']).to_owned()
    };
    [bare(canonical(name), "bảo hiểm xã hội"), bare(folded(name), "bao hiem xa hoi")]
}

impl Offices {
    pub fn new<'a>(agencies: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut offices = Self::default();
        agencies.into_iter().for_each(|(code, name)| offices.add(code, name));
        offices
    }

    pub fn add(&mut self, code: &str, name: &str) {
        if self.codes.insert(code.to_owned())
            && let Ok(number) = code.parse()
        {
            let taken = self.by_number.contains_key(&number);
            self.by_number.insert(number, (!taken).then(|| code.to_owned()));
        }
        for key in keys(name).into_iter().filter(|key| !key.is_empty()) {
            add(&mut self.by_name, key, code);
        }
    }

    pub fn has(&self, code: &str) -> bool {
        self.codes.contains(code)
    }

    fn by_code(&self, typed: &str) -> Option<&str> {
        if let Some(code) = self.codes.get(typed) {
            return Some(code);
        }
        let number = typed.strip_suffix(".0").unwrap_or(typed);
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        if let Some(code) = self.codes.get(number) {
            return Some(code);
        }
        self.by_number.get(&number.parse().ok()?)?.as_deref()
    }

    fn by_name(&self, typed: &str) -> Option<&str> {
        keys(typed).iter().filter(|key| !key.is_empty()).find_map(|key| self.by_name.get(key)?.as_deref())
    }

    /// Finds an agency by its code, also without the zeros that a spreadsheet took, by its name (`BHXH` for `Bảo hiểm xã
    /// hội`, or without either), or by `code - name`.
    pub fn find(&self, typed: &str) -> Option<&str> {
        let typed = typed.trim_start_matches(['\'', '’']).trim();
        if let Some(code) = self.by_code(typed).or_else(|| self.by_name(typed)) {
            return Some(code);
        }
        let digits = typed.bytes().take_while(u8::is_ascii_digit).count();
        let (code, rest) = typed.split_at_checked(digits)?;
        let rest = rest.trim_start();
        if rest.starts_with(['-', '–', '—', ':', '_', '.', ',', ';', '(', '/'])
            && let Some(code) = self.by_code(code)
        {
            return Some(code);
        }
        // The other way round: the name, then the code in brackets or behind a dash.
        let (name, code) = typed.trim_end_matches(')').rsplit_once(['(', '-'])?;
        self.by_code(code.trim()).filter(|_| !name.trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agency_is_found_in_the_ways_people_write_it() {
        let offices = Offices::new([
            ("001", "Bảo hiểm xã hội thành phố Hà Nội"),
            ("00101", "Bảo hiểm xã hội cơ sở Ba Đình"),
            ("00103", "BHXH cơ sở Tây Hồ"),
            ("004", "Bảo hiểm xã hội tỉnh Cao Bằng"),
            ("00004", "Bảo hiểm xã hội cơ sở Mẫu"),
        ]);
        for (typed, code) in [
            ("001", "001"),
            ("1", "001"),
            ("103", "00103"),
            ("103.0", "00103"),
            ("00103 - BHXH cơ sở Tây Hồ", "00103"),
            ("00103-Bảo hiểm xã hội cơ sở Tây Hồ", "00103"),
            ("BHXH cơ sở Tây Hồ (00103)", "00103"),
            ("Bảo hiểm xã hội cơ sở Tây Hồ", "00103"),
            ("BHXH CƠ SỞ BA ĐÌNH", "00101"),
            ("bao hiem xa hoi co so ba dinh", "00101"),
            ("cơ sở Ba Đình", "00101"),
            ("Bảo  hiểm xã\u{A0}hội cơ sở Ba Ðình", "00101"),
        ] {
            assert_eq!(offices.find(typed), Some(code), "{typed}");
        }
        for unknown in ["4", "00130", "130", "BHXH", "Ba Vì", "", "-", "103 nghìn"] {
            assert_eq!(offices.find(unknown), None, "{unknown}");
        }
    }
}
