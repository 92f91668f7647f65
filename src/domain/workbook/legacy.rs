//! Text from before Unicode. TCVN3 (ABC) and VNI were fonts: the letters stand in the file as other letters of the
//! Western alphabet, in workbooks and text files alike. Windows-1258 is a code page of text files.
//!
//! A text is taken for one of them only when it makes Vietnamese syllables of words that are none as they stand, so
//! that Vietnamese in Unicode, French and English stay what they are.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use super::syllables::is_syllable;
use super::{Bytes, Encoding};
use crate::domain::spreadsheet::Cell;

/// TCVN 5712:1993, VN3, from 0xA1; blanks have no letter.
const TCVN3: &str = "ĂÂÊÔƠƯĐăâêôơưđ      àảãáạ ằẳẵắ       ặầẩẫấậè ẻẽéẹềểễếệìỉ   ĩíịò ỏõóọồổỗốộờởỡớợù ủũúụừửữứựỳỷỹýỵ";

/// The marks that follow a letter in VNI, and what they put on it.
const VNI_MARKS: [(char, &str); 17] = [
    ('ø', "\u{300}"),
    ('ù', "\u{301}"),
    ('û', "\u{309}"),
    ('õ', "\u{303}"),
    ('ï', "\u{323}"),
    ('â', "\u{302}"),
    ('à', "\u{302}\u{300}"),
    ('á', "\u{302}\u{301}"),
    ('å', "\u{302}\u{309}"),
    ('ã', "\u{302}\u{303}"),
    ('ä', "\u{302}\u{323}"),
    ('ê', "\u{306}"),
    ('è', "\u{306}\u{300}"),
    ('é', "\u{306}\u{301}"),
    ('ú', "\u{306}\u{309}"),
    ('ü', "\u{306}\u{303}"),
    ('ë', "\u{306}\u{323}"),
];

/// Letters that VNI writes as one other letter.
const VNI_SINGLE: [(char, char); 9] =
    [('ô', 'ơ'), ('ö', 'ư'), ('ñ', 'đ'), ('í', 'í'), ('ì', 'ì'), ('æ', 'ỉ'), ('ó', 'ĩ'), ('ò', 'ị'), ('î', 'ỵ')];

static VNI_PAIRS: LazyLock<HashMap<(char, char), char>> = LazyLock::new(|| {
    let mut pairs = HashMap::new();
    for (written, base) in [('a', 'a'), ('e', 'e'), ('o', 'o'), ('u', 'u'), ('y', 'y'), ('ô', 'ơ'), ('ö', 'ư')] {
        for (mark, put_on) in VNI_MARKS {
            let composed: Vec<char> = std::iter::once(base).chain(put_on.chars()).nfc().collect();
            if let [letter] = composed[..] {
                let upper = |c: char| c.to_uppercase().next().unwrap_or(c);
                for m in [mark, upper(mark)] {
                    pairs.insert((written, m), letter);
                    pairs.insert((upper(written), m), upper(letter));
                }
            }
        }
    }
    pairs
});

static VNI_SINGLES: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let upper = |c: char| c.to_uppercase().next().unwrap_or(c);
    VNI_SINGLE.iter().flat_map(|(from, to)| [(*from, *to), (upper(*from), upper(*to))]).collect()
});

fn tcvn3(text: &str) -> Option<String> {
    static LETTERS: LazyLock<Vec<char>> = LazyLock::new(|| TCVN3.chars().collect());
    let letter = |c: char| match c {
        c if c.is_ascii() => Some(c),
        '\u{A0}' => Some(' '),
        c => LETTERS.get((c as usize).checked_sub(0xA1)?).copied().filter(|c| *c != ' '),
    };
    let decoded = text.chars().map(letter).collect::<Option<String>>()?;
    Some(if is_in_capitals(text) { decoded.to_uppercase() } else { decoded })
}

/// The fonts for capitals show the codes of small letters as capitals: only what stands beside them tells.
fn is_in_capitals(text: &str) -> bool {
    let mut run = 0;
    let mut longest = 0;
    for c in text.chars() {
        if c.is_ascii_lowercase() {
            return false;
        }
        run = if c.is_ascii_uppercase() { run + 1 } else { 0 };
        longest = run.max(longest);
    }
    longest >= 2
}

fn vni(text: &str) -> Option<String> {
    let mut decoded = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        if let Some(letter) = letters.peek().and_then(|mark| VNI_PAIRS.get(&(c, *mark))) {
            decoded.push(*letter);
            letters.next();
        } else if c.is_ascii() {
            decoded.push(c);
        } else if c == '\u{A0}' {
            decoded.push(' ');
        } else {
            decoded.push(*VNI_SINGLES.get(&c)?);
        }
    }
    Some(decoded)
}

fn windows_1258(text: &str) -> Option<String> {
    let (bytes, _, lost) = encoding_rs::WINDOWS_1252.encode(text);
    let (decoded, _) = encoding_rs::WINDOWS_1258.decode_without_bom_handling(&bytes);
    (!lost).then(|| decoded.nfc().collect())
}

fn decode(encoding: Encoding, text: &str) -> Option<String> {
    match encoding {
        Encoding::Tcvn3 => tcvn3(text),
        Encoding::Vni => vni(text),
        Encoding::Windows1258 => windows_1258(text),
        Encoding::Utf8 | Encoding::Utf16 => None,
    }
}

/// Words, as far as any of the encodings has letters among signs: only what is ASCII parts them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| (c.is_ascii() && !c.is_ascii_alphabetic()) || c == '\u{A0}').filter(|word| !word.is_empty())
}

/// How many words with letters beyond ASCII are Vietnamese after decoding and not before, and the other way round.
fn weigh(encoding: Encoding, text: &str) -> (usize, usize) {
    let mut found = (0, 0);
    for word in words(text).filter(|word| !word.is_ascii()) {
        let after = decode(encoding, word).is_some_and(|decoded| is_syllable(&decoded));
        match (is_syllable(word), after) {
            (false, true) => found.0 += 1,
            (true, false) => found.1 += 1,
            _ => {}
        }
    }
    found
}

/// Whether the text can be of a font of old: it has letters beyond ASCII, and none that those fonts do not know.
fn may_be_legacy(text: &str) -> bool {
    !text.is_ascii() && text.chars().all(|c| c as u32 <= 0xFF || is_western_sign(c))
}

/// Letters of Vietnamese that only Unicode has.
fn is_of_unicode(c: char) -> bool {
    matches!(c, '\u{102}' | '\u{103}' | '\u{110}' | '\u{111}' | '\u{128}' | '\u{129}' | '\u{168}' | '\u{169}')
        || matches!(c, '\u{1A0}' | '\u{1A1}' | '\u{1AF}' | '\u{1B0}' | '\u{300}'..='\u{323}' | '\u{1EA0}'..='\u{1EF9}')
}

/// The characters of Windows-1252 that Unicode keeps elsewhere.
fn is_western_sign(c: char) -> bool {
    matches!(c, 'ƒ' | 'ˆ' | '˜' | 'Œ' | 'œ' | 'Š' | 'š' | 'Ÿ' | 'Ž' | 'ž' | '€' | '™' | '\u{2013}'..='\u{203A}')
}

/// A single text that may be in a legacy encoding, in Unicode.
pub fn in_unicode(encoding: Encoding, text: &str) -> Option<String> {
    let (for_it, against) = if may_be_legacy(text) { weigh(encoding, text) } else { (0, 0) };
    decode(encoding, text).filter(|_| for_it > against)
}

/// Turns the cells of a sheet into Unicode.
pub struct Converter {
    pub encoding: Encoding,
    /// Nothing in the sheet is in Unicode.
    is_whole: bool,
    /// Else the columns that are written in it: in a workbook each column can have its own font.
    columns: Vec<bool>,
}

impl Converter {
    /// Looks at the beginning of a sheet. None when it is Unicode.
    pub fn detect<'a>(bytes: Bytes, cells: impl Iterator<Item = (usize, &'a str)> + Clone) -> Option<Self> {
        let candidates: &[Encoding] = match bytes {
            Bytes::Single => &[Encoding::Windows1258, Encoding::Tcvn3, Encoding::Vni],
            Bytes::Workbook | Bytes::Utf8 | Bytes::Utf16 => &[Encoding::Tcvn3, Encoding::Vni],
        };
        let has_unicode = cells.clone().any(|(_, text)| text.chars().any(is_of_unicode));
        let texts = cells.filter(|(_, text)| may_be_legacy(text));
        let mut best: Option<(usize, Self)> = None;
        for encoding in candidates {
            let mut total = (0, 0);
            let mut by_column: Vec<(usize, usize)> = Vec::new();
            for (column, text) in texts.clone() {
                let (for_it, against) = weigh(*encoding, text);
                total = (total.0 + for_it, total.1 + against);
                if by_column.len() <= column {
                    by_column.resize(column + 1, (0, 0));
                }
                by_column[column].0 += for_it;
                by_column[column].1 += against;
            }
            let is_better = best.as_ref().is_none_or(|(weight, _)| total.0 > *weight);
            // In a workbook what other columns hold says nothing against one that is in an old font.
            let counts = |(for_it, against): &&(usize, usize)| bytes == Bytes::Single || for_it > against;
            let against: usize = by_column.iter().filter(counts).map(|(_, against)| against).sum();
            if total.0 >= 2 && total.0 > 2 * against && is_better {
                let columns = by_column.iter().map(|(for_it, against)| for_it > against).collect();
                let is_whole = !has_unicode && total.1 * 10 <= total.0;
                best = Some((total.0, Self { encoding: *encoding, is_whole, columns }));
            }
        }
        // A text file in neither UTF is in the code page that its country had.
        let encoding = Encoding::Windows1258;
        let fallback = (bytes == Bytes::Single).then(|| Self { encoding, is_whole: true, columns: Vec::new() });
        best.map(|(_, converter)| converter).or(fallback)
    }

    /// What the text would be if it were in the sheet's encoding.
    pub fn decoded(&self, text: &str) -> Option<String> {
        if may_be_legacy(text) { decode(self.encoding, text) } else { None }
    }

    /// The cell in Unicode; None when it already is.
    pub fn convert(&self, column: usize, cell: &Cell) -> Option<String> {
        let Cell::Text(text) = cell else {
            return None;
        };
        if !may_be_legacy(text) {
            return None;
        }
        let of_this_font = self.is_whole
            || self.encoding == Encoding::Windows1258
            || self.columns.get(column).copied().unwrap_or(false)
            || matches!(weigh(self.encoding, text), (for_it, against) if for_it > against);
        decode(self.encoding, text).filter(|decoded| of_this_font && decoded != text)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Every letter of Vietnamese, small.
    pub const LETTERS: &str =
        "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđbcghklmnpqrstvx";

    /// As a person typed it with a TCVN3 font; capitals with marks only where the font has them.
    pub fn to_tcvn3(text: &str) -> String {
        let letters: Vec<char> = TCVN3.chars().collect();
        let code = |c: char| letters.iter().position(|known| *known == c && c != ' ');
        let written = |c: char| match code(c).or_else(|| code(c.to_lowercase().next().unwrap())) {
            Some(at) => char::from_u32(0xA1 + u32::try_from(at).unwrap()).unwrap(),
            None => c,
        };
        text.chars().map(written).collect()
    }

    pub fn to_vni(text: &str) -> String {
        let pairs: HashMap<char, (char, char)> = VNI_PAIRS
            .iter()
            .filter(|((base, mark), _)| base.is_uppercase() == mark.is_uppercase())
            .map(|(pair, letter)| (*letter, *pair))
            .collect();
        let mut written = String::new();
        for c in text.chars() {
            if let Some((single, _)) = VNI_SINGLES.iter().find(|(_, letter)| **letter == c) {
                written.push(*single);
            } else if let Some((base, mark)) = pairs.get(&c) {
                written.extend([*base, *mark]);
            } else {
                written.push(c);
            }
        }
        written
    }

    /// The bytes of Windows-1258 as the Windows-1252 characters of their numbers.
    pub fn to_windows_1258(text: &str) -> String {
        let mut bytes = Vec::new();
        for c in text.chars() {
            let mut parts: Vec<char> = vec![c];
            loop {
                let whole: String = parts.iter().collect();
                let (encoded, _, lost) = encoding_rs::WINDOWS_1258.encode(&whole);
                if !lost {
                    bytes.extend_from_slice(&encoded);
                    break;
                }
                // Take the tone off and write it behind; what is left has a code of its own.
                let tones = ['\u{300}', '\u{301}', '\u{303}', '\u{309}', '\u{323}'];
                let (tone, rest): (Vec<char>, Vec<char>) = whole.nfd().partition(|c| tones.contains(c));
                parts = rest.into_iter().nfc().chain(tone).collect();
            }
        }
        encoding_rs::WINDOWS_1252.decode_without_bom_handling(&bytes).0.into_owned()
    }

    fn detected(bytes: Bytes, cells: &[&str]) -> Option<Encoding> {
        Converter::detect(bytes, cells.iter().copied().enumerate()).map(|found| found.encoding)
    }

    #[test]
    fn every_letter_comes_back_from_every_encoding() {
        for letter in LETTERS.chars() {
            let small = letter.to_string();
            assert_eq!(tcvn3(&to_tcvn3(&small)).unwrap(), small);
            for text in [small.clone(), small.to_uppercase()] {
                assert_eq!(vni(&to_vni(&text)).unwrap(), text);
                assert_eq!(windows_1258(&to_windows_1258(&text)).unwrap(), text);
            }
        }
        for capital in "ĂÂÊÔƠƯĐ".chars() {
            assert_eq!(tcvn3(&to_tcvn3(&capital.to_string())).unwrap(), capital.to_string());
        }
    }

    #[test]
    fn names_and_labels_of_old_lists_are_read() {
        for (written, text) in [
            ("NguyÔn ThÞ Hßa", "Nguyễn Thị Hòa"),
            ("TrÇn V¨n §øc", "Trần Văn Đức"),
            ("Hä vµ tªn", "Họ và tên"),
            ("M· sè BHXH", "Mã số BHXH"),
            ("Tr\u{AD}¬ng", "Trương"),
            ("NGUYÔN THÞ HßA", "NGUYỄN THỊ HÒA"),
            ("Lª Hµ", "Lê Hà"),
        ] {
            assert_eq!(tcvn3(written).as_deref(), Some(text));
        }
        for (written, text) in [
            ("Traàn Vaên Ñöùc", "Trần Văn Đức"),
            ("NGUYEÃN THÒ HOØA", "NGUYỄN THỊ HÒA"),
            ("Buøi Thò Kyø Myõ", "Bùi Thị Kỳ Mỹ"),
            ("Hoï vaø teân", "Họ và tên"),
        ] {
            assert_eq!(vni(written).as_deref(), Some(text));
        }
    }

    #[test]
    fn an_encoding_is_told_by_the_syllables_that_it_makes() {
        let people = ["Nguyễn Thị Hòa", "Trần Văn Đức", "Lê Thanh Hà", "Vũ Tú", "Mã số BHXH", "Địa chỉ"];
        let written = |encode: fn(&str) -> String| people.map(encode);
        let found = |bytes, cells: [String; 6]| detected(bytes, &cells.each_ref().map(String::as_str));
        assert_eq!(found(Bytes::Workbook, written(to_tcvn3)), Some(Encoding::Tcvn3));
        assert_eq!(found(Bytes::Single, written(to_tcvn3)), Some(Encoding::Tcvn3));
        assert_eq!(found(Bytes::Utf8, written(to_vni)), Some(Encoding::Vni));
        assert_eq!(found(Bytes::Single, written(to_vni)), Some(Encoding::Vni));
        assert_eq!(found(Bytes::Single, written(to_windows_1258)), Some(Encoding::Windows1258));
        assert_eq!(found(Bytes::Workbook, written(str::to_owned)), None);
    }

    #[test]
    fn what_is_unicode_already_stays() {
        for cells in [
            ["Lê Hà", "Tú Trí", "Hoà Toàn Hoàng", "Ngày sinh", "Ghi chú", "Quê quán"],
            ["Hélène Noël", "déjà vu", "señor Muñoz", "Müller für", "naïve café", "25 °C ± 1, 5 m²"],
            ["Full name", "Social insurance code", "«Oui»", "© 2026", "½", "§ 5"],
            ["Vò", "Thò", "Hoà", "Ngoài", "Oài", "là"],
        ] {
            assert_eq!(detected(Bytes::Workbook, &cells), None, "{cells:?}");
        }
        // The labels are in Unicode, the names are not.
        let cells = ["Ghi chú", "NguyÔn ThÞ Hßa", "Ngày sinh", "Họ và tên"];
        let converter = Converter::detect(Bytes::Workbook, cells.into_iter().enumerate()).unwrap();
        let converted = cells.iter().enumerate().map(|(at, text)| converter.convert(at, &Cell::Text((*text).into())));
        assert_eq!(converted.collect::<Vec<_>>(), [None, Some("Nguyễn Thị Hòa".into()), None, None]);
        assert_eq!(detected(Bytes::Workbook, &["Ngày sinh", "Huyønh Thò Phöôïng"]), Some(Encoding::Vni));
    }
}
