//! Vietnamese names: one form for comparing, one for searching, one for sorting.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::text::{self, FieldError, is_tidy, is_zero_width, lower, unaccented};

/// A person's name as it was written, repaired.
#[derive(Clone, Debug, PartialEq, Eq, diesel::deserialize::FromSqlRow, diesel::expression::AsExpression)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Name(String);

text_column!(Name);

impl Name {
    /// # Errors
    /// Nothing typed, a digit or sign that no name has, fewer than 2 or more than 100 characters.
    pub fn parse(raw: &str) -> Result<Self, FieldError> {
        let name = repaired(&text::required_line(raw, 100)?);
        if let Some(sign) = name.chars().find(|c| !(c.is_alphabetic() || is_combining_mark(*c) || " '-.".contains(*c)))
        {
            return Err(FieldError::new(format!("Họ tên không thể có «{sign}». Hãy gõ như trên giấy tờ tùy thân.")));
        }
        if name.chars().filter(|c| c.is_alphabetic()).count() < 2 {
            return Err(FieldError::new("Họ tên phải có ít nhất 2 chữ cái."));
        }
        Ok(Self(name))
    }

    /// Reads back what was stored.
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn folded(&self) -> String {
        folded(&self.0)
    }
}

/// The name as written, without what spreadsheets and keyboards put into it: NFC, the letter Đ for its look-alike Ð, no
/// zero-width characters, single spaces, one kind of apostrophe and hyphen.
pub fn repaired(raw: &str) -> String {
    if is_plain(raw) {
        return raw.to_owned();
    }
    let cleaned: String = raw
        .nfc()
        .filter(|c| !is_zero_width(*c))
        .map(|c| match c {
            'Ð' => 'Đ',
            'ð' => 'đ',
            '\u{2018}' | '\u{2019}' | '\u{02BC}' | '`' | '´' => '\'',
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            c if c.is_whitespace() => ' ',
            c => c,
        })
        .collect();
    cleaned.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether there is nothing to repair, as in most names.
fn is_plain(raw: &str) -> bool {
    is_tidy(raw) && !raw.contains('`')
}

/// The form for comparing: repaired, lower case, the tone mark of an open `oa`, `oe`, `uy` on the first vowel (`hoà` and
/// `hòa` are one word; not after q, and closed syllables such as `hoàn` stay as they are).
pub fn canonical(raw: &str) -> String {
    let text = if is_plain(raw) { Cow::Borrowed(raw) } else { Cow::Owned(repaired(raw)) };
    if is_tidy(&text) {
        return with_tones_placed(lower(&text));
    }
    text.to_lowercase().split(' ').map(place_tone).collect::<Vec<_>>().join(" ")
}

/// As [`place_tone`] for every syllable of composed letters, without taking them apart.
fn with_tones_placed(text: String) -> String {
    const LAST: [(&str, char, &str); 3] =
        [("aàáảãạ", 'o', "oòóỏõọ"), ("eèéẻẽẹ", 'o', "oòóỏõọ"), ("yỳýỷỹỵ", 'u', "uùúủũụ")];
    let placed = |syllable: &str| -> Option<String> {
        let mut letters = syllable.chars().rev();
        let (last, before) = (letters.next()?, letters.next()?);
        if last.is_ascii() || !matches!(before, 'o' | 'u') {
            return None;
        }
        let head = &syllable[..syllable.len() - last.len_utf8() - before.len_utf8()];
        let has_tone = head.chars().any(|c| !c.is_ascii() && !"đăâêôơư".contains(c));
        if has_tone || head.ends_with(|c| "qaeiouyăâêôơư".contains(c)) {
            return None;
        }
        let (toned, _, moved) = LAST.iter().find(|(toned, first, _)| *first == before && toned.contains(last))?;
        let tone = toned.chars().position(|c| c == last)?;
        Some([head, &moved.chars().skip(tone).take(1).collect::<String>(), &toned[..1]].concat())
    };
    if text.split(' ').all(|syllable| placed(syllable).is_none()) {
        return text;
    }
    let syllables = text.split(' ').map(|syllable| placed(syllable).map_or(syllable.into(), Cow::Owned));
    syllables.collect::<Vec<Cow<'_, str>>>().join(" ")
}

const TONES: [char; 5] = ['\u{300}', '\u{301}', '\u{303}', '\u{309}', '\u{323}'];

fn place_tone(syllable: &str) -> String {
    // Unicode decomposes ầ into a, circumflex and grave: what is left without the tone is recomposed below.
    let decomposed: Vec<char> = syllable.nfd().collect();
    let Some(tone_at) = decomposed.iter().position(|c| TONES.contains(c)) else {
        return syllable.nfc().collect();
    };
    let tone = decomposed[tone_at];
    let bare: String = decomposed.iter().filter(|c| !TONES.contains(c)).collect::<String>().nfc().collect();
    let open = ["oa", "oe", "uy"].into_iter().find(|pair| bare.ends_with(pair));
    let (Some(pair), true) = (open, tone_at + 1 == decomposed.len()) else {
        return syllable.nfc().collect();
    };
    let head = &bare[..bare.len() - pair.len()];
    if head.ends_with('q') || head.ends_with(|c: char| "aeiouyăâêôơư".contains(c)) {
        return syllable.nfc().collect();
    }
    format!("{head}{}{tone}{}", &pair[..1], &pair[1..]).nfc().collect()
}

/// The form for searching: canonical, without diacritics; đ becomes d by hand, because Unicode does not take it apart.
pub fn folded(raw: &str) -> String {
    let canonical = canonical(raw);
    if is_tidy(&canonical) {
        return canonical.chars().map(unaccented).collect();
    }
    canonical.nfd().filter(|c| !is_combining_mark(*c)).map(|c| if c == 'đ' { 'd' } else { c }).collect()
}

/// How alike two names are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// Equal in the canonical form.
    Exact,
    /// Equal only without diacritics.
    Unaccented,
    /// A slip: one or two letters, i for y, a middle name left out, the order changed.
    Close,
    Different,
}

/// Compares a declared name with a registered one.
pub fn compare(a: &str, b: &str) -> Likeness {
    if canonical(a) == canonical(b) {
        return Likeness::Exact;
    }
    let (a, b) = (folded(a), folded(b));
    if a == b {
        return Likeness::Unaccented;
    }
    let (words_a, words_b): (Vec<&str>, Vec<&str>) = (a.split(' ').collect(), b.split(' ').collect());
    let (mut sorted_a, mut sorted_b) = (words_a.clone(), words_b.clone());
    sorted_a.sort_unstable();
    sorted_b.sort_unstable();
    if a.replace('y', "i") == b.replace('y', "i") || sorted_a == sorted_b || misses_a_middle(&words_a, &words_b) {
        return Likeness::Close;
    }
    // Two letters are a slip in a long name and another person in a short one: at most a quarter of the letters.
    let letters = a.chars().count().min(b.chars().count());
    if distance(&a, &b) <= 2.min(letters / 4) { Likeness::Close } else { Likeness::Different }
}

/// Whether one name is the other without some of its middle names.
fn misses_a_middle(a: &[&str], b: &[&str]) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    if short.len() < 2 || short.len() == long.len() || short.first() != long.first() || short.last() != long.last() {
        return false;
    }
    let mut rest = long.iter();
    short.iter().all(|word| rest.any(|other| other == word))
}

/// The number of letters to change, add or leave out (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(ca != *cb)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}

/// A syllable of a name and whether the other name lacks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syllable {
    pub text: String,
    pub differs: bool,
}

/// The syllables of `name` as written; those that `other` does not have at this place are marked (longest common
/// subsequence of canonical syllables).
pub fn diff_syllables(name: &str, other: &str) -> Vec<Syllable> {
    let shown = repaired(name);
    let shown: Vec<&str> = shown.split(' ').filter(|word| !word.is_empty()).collect();
    let mine: Vec<String> = shown.iter().map(|word| canonical(word)).collect();
    let theirs = canonical(other);
    let theirs: Vec<&str> = theirs.split(' ').collect();
    let mut common = vec![vec![0u16; theirs.len() + 1]; mine.len() + 1];
    for i in (0..mine.len()).rev() {
        for j in (0..theirs.len()).rev() {
            common[i][j] =
                if mine[i] == theirs[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let mut j = 0;
    let mut syllables = Vec::with_capacity(shown.len());
    for (i, word) in shown.iter().enumerate() {
        while j < theirs.len() && mine[i] != theirs[j] && common[i][j + 1] == common[i][j] {
            j += 1;
        }
        let matched = j < theirs.len() && mine[i] == theirs[j];
        j += usize::from(matched);
        syllables.push(Syllable { text: (*word).to_owned(), differs: !matched });
    }
    syllables
}

/// A key whose byte order is the order in which Vietnamese lists sort names: by given name (the last syllable), then
/// surname, then middle names; of each its letters, then its tones.
pub fn sort_key(name: &str) -> String {
    let canonical = canonical(name);
    let words: Vec<&str> = canonical.split(' ').filter(|word| !word.is_empty()).collect();
    let Some((given, before)) = words.split_last() else {
        return String::new();
    };
    let mut key = String::new();
    for word in std::iter::once(given).chain(before.iter()) {
        let mut tones = String::new();
        for c in word.nfc() {
            let (letter, tone) = collation(c);
            key.push_str(&letter);
            tones.push(tone);
        }
        key.push('/');
        key.push_str(&tones);
        key.push(' ');
    }
    key
}

/// A letter as one or two ASCII characters in Vietnamese order (a ă â b … d đ e ê … o ô ơ … u ư), and its tone as a digit.
fn collation(c: char) -> (String, char) {
    static TABLE: LazyLock<HashMap<char, (String, char)>> = LazyLock::new(|| {
        let mut table = HashMap::new();
        for (letter, key) in [
            ('a', "a0"),
            ('ă', "a1"),
            ('â', "a2"),
            ('d', "d0"),
            ('đ', "d1"),
            ('e', "e0"),
            ('ê', "e1"),
            ('i', "i0"),
            ('o', "o0"),
            ('ô', "o1"),
            ('ơ', "o2"),
            ('u', "u0"),
            ('ư', "u1"),
            ('y', "y0"),
        ] {
            table.insert(letter, (key.to_owned(), '0'));
            // Ngang, huyền, hỏi, ngã, sắc, nặng.
            for (tone, digit) in
                [('\u{300}', '1'), ('\u{309}', '2'), ('\u{303}', '3'), ('\u{301}', '4'), ('\u{323}', '5')]
            {
                let composed: String = [letter, tone].iter().collect::<String>().nfc().collect();
                if let (Some(toned), true) = (composed.chars().next(), composed.chars().count() == 1) {
                    table.insert(toned, (key.to_owned(), digit));
                }
            }
        }
        table
    });
    TABLE.get(&c).cloned().unwrap_or_else(|| (if c.is_ascii() { c.to_string() } else { "~".into() }, '0'))
}

/// A stable 64-bit hash (FNV-1a) of a run of syllables: it is stored, so it may never change.
fn token(run: &[&str]) -> i64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in run.join("_").bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash.cast_signed()
}

fn tokens_of(name: &str, lengths: std::ops::RangeInclusive<usize>) -> Vec<i64> {
    let folded = folded(name);
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let mut tokens: Vec<i64> =
        lengths.flat_map(|length| words.windows(length).map(token).collect::<Vec<_>>()).collect();
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

/// What a name is found by: every run of one, two and three folded syllables.
pub fn index_tokens(name: &str) -> Vec<i64> {
    tokens_of(name, 1..=3)
}

/// The longest runs of a query, at most three syllables each; all of them must be in a name.
pub fn query_runs(query: &str) -> Vec<i64> {
    let words = folded(query).split(' ').filter(|word| !word.is_empty()).count();
    let longest = words.clamp(1, 3);
    tokens_of(query, longest..=longest)
}

/// The single syllables of a query.
pub fn query_singles(query: &str) -> Vec<i64> {
    tokens_of(query, 1..=1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_place_of_the_tone_the_case_and_the_spaces_make_no_difference() {
        for (a, b) in [
            ("Lê Thị Hoà", "LÊ  THỊ HÒA"),
            ("Trần Thuý Khoẻ", "Trần Thúy Khỏe"),
            ("Ðỗ Văn Đức", "Đỗ Văn Đức"),
            ("Nguye\u{302}\u{303}n Van", "Nguyễn Van"),
            ("H’Hen Niê", "H'Hen Niê"),
        ] {
            assert_eq!(canonical(a), canonical(b));
            assert_eq!(compare(a, b), Likeness::Exact);
        }
        assert_eq!(canonical("Hoàn Huỳnh Quý Quả"), "hoàn huỳnh quý quả");
        assert_eq!(canonical("Khoái Ngoẻo"), "khoái ngoẻo");
    }

    #[test]
    fn a_folded_name_has_no_mark_and_no_stroke() {
        assert_eq!(folded("Đặng Thị Thuỷ Ươm"), "dang thi thuy uom");
    }

    #[test]
    fn a_slip_is_close_and_another_person_is_not() {
        assert_eq!(compare("Nguyễn Văn Đức", "Nguyễn Văn Duc"), Likeness::Unaccented);
        for close in ["Nguyễn Thị Bích Ngọcc", "Nguyễn Bích Ngọc", "Nguyễn Thị Ngọc Bích", "Nguiễn Thị Bích Ngọc"]
        {
            assert_eq!(compare("Nguyễn Thị Bích Ngọc", close), Likeness::Close, "{close}");
        }
        assert_eq!(compare("Lý Vy", "Lí Vi"), Likeness::Close);
        for other in ["Trần Văn Hùng", "Nguyễn Thị Mai", "Ngọc"] {
            assert_eq!(compare("Nguyễn Thị Bích Ngọc", other), Likeness::Different, "{other}");
        }
        assert_eq!(compare("Lê An", "Lê Ba"), Likeness::Different);
    }

    #[test]
    fn the_syllables_that_differ_are_marked() {
        let marked = |a, b| {
            diff_syllables(a, b)
                .into_iter()
                .map(|s| if s.differs { format!("[{}]", s.text) } else { s.text })
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(marked("Trần Thị Hòa", "Trần Thị Hoa"), "Trần Thị [Hòa]");
        assert_eq!(marked("Trần Thị Ngọc Hòa", "Trần Thị Hòa"), "Trần Thị [Ngọc] Hòa");
        assert_eq!(marked("Trần Thị Hoà", "TRẦN THỊ HÒA"), "Trần Thị Hoà");
    }

    #[test]
    fn names_sort_by_given_name_then_surname_in_vietnamese_order() {
        let mut names = vec![
            "Nguyễn Dũng",
            "Trần Dung",
            "Trần Văn Đức",
            "Lê Thị Ánh",
            "Nguyễn Văn An",
            "Bùi An",
            "Phạm Văn Dũng",
            "Lê Thị Ân",
            "Võ Văn Àn",
        ];
        names.sort_by_key(|name| sort_key(name));
        assert_eq!(
            names,
            [
                "Bùi An",
                "Nguyễn Văn An",
                "Võ Văn Àn",
                "Lê Thị Ánh",
                "Lê Thị Ân",
                "Trần Dung",
                "Nguyễn Dũng",
                "Phạm Văn Dũng",
                "Trần Văn Đức"
            ]
        );
    }

    #[test]
    fn a_part_of_a_name_is_among_its_tokens() {
        let index = index_tokens("Trần Thị Bích Ngọc");
        for part in ["bich ngoc", "Thị Bích", "tran", "tran thi bich ngoc", "thi bich ngoc"] {
            assert!(query_runs(part).iter().all(|token| index.contains(token)), "{part}");
        }
        assert!(!query_runs("ngoc bich").iter().all(|token| index.contains(token)));
        assert!(query_singles("ngoc bich").iter().all(|token| index.contains(token)));
    }

    #[test]
    fn a_name_has_letters_and_no_digits() {
        assert!(Name::parse("H' Hen Niê-Kđăm").is_ok());
        for wrong in ["", " ", "A", "Nguyễn 2", "Nguyễn <b>", "Lê\u{202E}An", "-- '"] {
            assert!(Name::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn the_quick_way_of_placing_tones_gives_the_same(a in "[a-zđàáảãạằòóỏõọôốùúủũụưừèéẻẽẹêệìỳýỷỹỵ]{0,6}( (qu|kh|h|th)?[ou][aàáảãạeèéẻẽẹyỳýỷỹỵ]n?){0,2}") {
            let slow: Vec<String> = a.split(' ').map(place_tone).collect();
            prop_assert_eq!(with_tones_placed(a.clone()), slow.join(" "));
        }

        #[test]
        fn the_canonical_form_is_stable_and_comparing_is_symmetric(a in "[A-Za-zÀ-ỹ ]{0,30}", b in "[A-Za-zÀ-ỹ ]{0,30}") {
            prop_assert_eq!(canonical(&canonical(&a)), canonical(&a));
            prop_assert_eq!(folded(&canonical(&a)), folded(&a));
            prop_assert_eq!(compare(&a, &b), compare(&b, &a));
            prop_assert_eq!(compare(&a, &a), Likeness::Exact);
        }
    }
}
