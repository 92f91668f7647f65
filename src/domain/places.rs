//! The closed lists of the work: provinces, communes, relations to the head of a household (`data/`).

use std::sync::LazyLock;

use super::names::folded;

pub struct Province {
    pub code: &'static str,
    pub name: &'static str,
}

pub struct Commune {
    pub code: &'static str,
    pub province_code: &'static str,
    pub name: &'static str,
}

pub static PROVINCES: LazyLock<Vec<Province>> = LazyLock::new(|| {
    rows(include_str!("../../data/provinces.csv")).map(|[code, name]| Province { code, name }).collect()
});

pub static COMMUNES: LazyLock<Vec<Commune>> = LazyLock::new(|| {
    rows(include_str!("../../data/communes.csv"))
        .map(|[code, province_code, name]| Commune { code, province_code, name })
        .collect()
});

/// Code and name of each relation.
pub static RELATIONS: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    rows(include_str!("../../data/household_relations.csv")).map(|[code, name]| (code, name)).collect()
});

/// The lists' rows: no field of theirs holds a comma or a quote.
fn rows<const N: usize>(csv: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    csv.lines().skip(1).filter_map(|line| line.split(',').collect::<Vec<_>>().try_into().ok())
}

pub fn province_name(code: &str) -> Option<&'static str> {
    PROVINCES.iter().find(|province| province.code == code).map(|province| province.name)
}

pub fn commune_name(code: &str) -> Option<&'static str> {
    COMMUNES.iter().find(|commune| commune.code == code).map(|commune| commune.name)
}

pub fn communes_of(province_code: &str) -> impl Iterator<Item = &'static Commune> {
    COMMUNES.iter().filter(move |commune| commune.province_code == province_code)
}

/// The commune somebody typed: accents, case and the leading "Phường" or "Xã" may be missing.
pub fn find_commune(province_code: &str, typed: &str) -> Option<&'static Commune> {
    let typed = folded(typed);
    communes_of(province_code).find(|commune| {
        let name = folded(commune.name);
        name == typed || name.split_once(' ').is_some_and(|(_, bare)| bare == typed)
    })
}

pub fn relation_name(code: &str) -> Option<&'static str> {
    RELATIONS.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_whole() {
        assert_eq!(PROVINCES.len(), 34);
        assert_eq!(COMMUNES.len(), 3321);
        assert_eq!(RELATIONS.len(), 23);
        assert!(COMMUNES.iter().all(|commune| province_name(commune.province_code).is_some()));
    }

    #[test]
    fn a_commune_is_found_without_accents_and_without_its_rank() {
        assert_eq!(find_commune("01", "ba dinh").map(|c| c.name), Some("Phường Ba Đình"));
        assert_eq!(find_commune("01", "Phường Hoàn Kiếm").map(|c| c.code), Some("00070"));
        assert!(find_commune("04", "Ba Đình").is_none());
    }
}
