//! What is known of somebody after a list has spoken.

use super::{Field, Values};
use crate::domain::dates::BirthDate;
use crate::domain::names::{self, Likeness};

/// What the list does not say stays as it was, and so does what it says less precisely: a birth year without the day, a
/// name typed without accents.
pub fn merged(mut listed: Values, stored: &Values) -> Values {
    for (field, known) in stored.iter() {
        let keeps = match listed.get(field) {
            None => true,
            Some(said) => says_less(field, said, known),
        };
        if keeps {
            listed.set(field, known.to_owned());
        }
    }
    listed
}

fn says_less(field: Field, said: &str, known: &str) -> bool {
    match field {
        Field::Name => said.is_ascii() && names::compare(said, known) == Likeness::Unaccented,
        Field::BirthDate => {
            let [said, known] = [said, known].map(|text| BirthDate::from_stored(text.to_owned()));
            known.as_str().len() > said.as_str().len() && known.agrees_with(&said)
        }
        _ => false,
    }
}

/// What changes, field by field: before and after.
pub fn changes<'a>(before: &'a Values, after: &'a Values) -> Vec<(Field, Option<&'a str>, Option<&'a str>)> {
    let differs = |field: &Field| before.get(*field) != after.get(*field);
    Field::ALL.iter().copied().filter(differs).map(|field| (field, before.get(field), after.get(field))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(all: &[(Field, &str)]) -> Values {
        let mut values = Values::default();
        for (field, value) in all {
            values.set(*field, (*value).to_owned());
        }
        values
    }

    #[test]
    fn a_list_changes_what_it_says_and_leaves_the_rest() {
        let stored = values(&[(Field::Name, "Lê Ân"), (Field::BirthDate, "1990-03-05"), (Field::Phone, "0951234567")]);
        let listed = values(&[(Field::Name, "Le An"), (Field::BirthDate, "1990"), (Field::Sex, "male")]);
        let after = merged(listed, &stored);
        assert_eq!(changes(&stored, &after), [(Field::Sex, None, Some("male"))]);
        let listed = values(&[(Field::Name, "Lê Ấn"), (Field::BirthDate, "1991"), (Field::Phone, "0951234567")]);
        let after = merged(listed, &stored);
        assert_eq!(
            changes(&stored, &after),
            [(Field::Name, Some("Lê Ân"), Some("Lê Ấn")), (Field::BirthDate, Some("1990-03-05"), Some("1991"))]
        );
    }
}
