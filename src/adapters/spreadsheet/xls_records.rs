//! The records of an Excel 97-2003 workbook, and what its sheets have in common. Numbers of sections are those of [MS-XLS].

use std::collections::{HashMap, HashSet};
use std::io::Read;

use encoding_rs::{Encoding, UTF_16LE, WINDOWS_1252};

use super::binary::{u16_at, u32_at};
use super::dates::{is_builtin_date, is_date_format};
use super::strings::Strings;
use super::xls::of_codepage;
use super::{NOT_ONE, Stop};
use crate::domain::workbook::FileFault;

/// Kinds of records, section 2.3.2.
pub mod record {
    pub const FORMULA: u16 = 0x0006;
    pub const END: u16 = 0x000A;
    pub const DATE_MODE: u16 = 0x0022;
    pub const PASSWORD: u16 = 0x002F;
    pub const CONTINUE: u16 = 0x003C;
    pub const CODEPAGE: u16 = 0x0042;
    pub const SHEET: u16 = 0x0085;
    pub const MANY_RK: u16 = 0x00BD;
    pub const RICH_LABEL: u16 = 0x00D6;
    pub const CELL_FORMAT: u16 = 0x00E0;
    pub const MERGED: u16 = 0x00E5;
    pub const STRINGS: u16 = 0x00FC;
    pub const SHARED_LABEL: u16 = 0x00FD;
    pub const DIMENSIONS: u16 = 0x0200;
    pub const NUMBER: u16 = 0x0203;
    pub const LABEL: u16 = 0x0204;
    pub const BOOL_OR_ERROR: u16 = 0x0205;
    pub const STRING: u16 = 0x0207;
    pub const RK: u16 = 0x027E;
    pub const FORMAT: u16 = 0x041E;
    pub const BEGIN: u16 = 0x0809;

    pub fn is_cell(kind: u16) -> bool {
        matches!(kind, FORMULA | MANY_RK | RICH_LABEL | SHARED_LABEL | NUMBER | LABEL | BOOL_OR_ERROR | RK)
    }
}

pub struct Records<S> {
    pub source: S,
    pub data: Vec<u8>,
    /// The head of the next record, when it was looked at already.
    next: Option<(u16, u16)>,
}

impl<S: Read> Records<S> {
    pub fn new(source: S) -> Self {
        Self { source, data: Vec::new(), next: None }
    }

    pub fn forget_next(&mut self) {
        self.next = None;
    }

    fn head(&mut self) -> Result<Option<(u16, u16)>, Stop> {
        if self.next.is_none() {
            let mut head = Vec::with_capacity(4);
            (&mut self.source).take(4).read_to_end(&mut head)?;
            self.next = u16_at(&head, 0).zip(u16_at(&head, 2));
        }
        Ok(self.next)
    }

    /// The next record, whose content is then in `data`; None at the end.
    pub fn next(&mut self) -> Result<Option<u16>, Stop> {
        let Some((kind, length)) = self.head()? else {
            return Ok(None);
        };
        self.next = None;
        self.data.clear();
        let read = (&mut self.source).take(length.into()).read_to_end(&mut self.data)?;
        if read < usize::from(length) { Err(NOT_ONE) } else { Ok(Some(kind)) }
    }
}

/// A text of so many characters, and where it ends. `bytes_in` is None where texts are Unicode: then flags come first, and
/// without the first of them each character is one byte, its number.
pub fn text_at(data: &[u8], at: usize, count: usize, bytes_in: Option<&'static Encoding>) -> Option<(String, usize)> {
    if let Some(encoding) = bytes_in {
        let bytes = data.get(at..at + count)?;
        return Some((encoding.decode_without_bom_handling(bytes).0.into_owned(), at + count));
    }
    let flags = *data.get(at)?;
    // Before the characters: how many pieces have a format of their own, and how much is told about pronunciation.
    let start = at + 1 + if flags & 8 != 0 { 2 } else { 0 } + if flags & 4 != 0 { 4 } else { 0 };
    let width = 1 + usize::from(flags & 1);
    // What is longer than a record goes on in the next. No list has such texts.
    let end = (start + count * width).min(data.len());
    let mut text = String::new();
    add_characters(&mut text, data.get(start..end)?, width == 2);
    Some((text, end))
}

fn add_characters(text: &mut String, bytes: &[u8], is_wide: bool) {
    if is_wide {
        text.push_str(&UTF_16LE.decode_without_bom_handling(bytes).0);
    } else {
        text.extend(bytes.iter().map(|byte| char::from(*byte)));
    }
}

/// What the sheets have in common, section 2.1.7.20.3.
pub struct Globals {
    /// Visible sheets: where they begin, and their names.
    pub sheets: Vec<(u64, String)>,
    pub is_1904: bool,
    /// Excel 5 and 95 wrote texts in the encoding of their machine.
    pub bytes_in: Option<&'static Encoding>,
    /// Of each format of cells, whether it shows dates.
    pub dates: Vec<bool>,
    pub strings: Strings,
}

impl Globals {
    pub fn read<S: Read>(records: &mut Records<S>) -> Result<Self, Stop> {
        let mut globals =
            Self { sheets: Vec::new(), is_1904: false, bytes_in: None, dates: Vec::new(), strings: Strings::default() };
        let (mut own, mut formats, mut sheets) = (HashMap::new(), Vec::new(), Vec::new());
        let mut encoding = WINDOWS_1252;
        let mut is_unicode = None;
        while let Some(kind) = records.next()? {
            let data = &records.data;
            match kind {
                record::BEGIN if is_unicode.is_none() => {
                    is_unicode = match u16_at(data, 0) {
                        Some(0x0600) => Some(true),
                        Some(0x0500) => Some(false),
                        _ => return Err(NOT_ONE),
                    };
                }
                record::PASSWORD => return Err(Stop::Fault(FileFault::Protected)),
                record::CODEPAGE => encoding = of_codepage(u16_at(data, 0).unwrap_or(0)),
                record::DATE_MODE => globals.is_1904 = u16_at(data, 0) == Some(1),
                record::FORMAT => {
                    if let Some(id) = u16_at(data, 0) {
                        own.insert(id, data.get(2..).unwrap_or_default().to_vec());
                    }
                }
                record::CELL_FORMAT => formats.push(u16_at(data, 2).unwrap_or(0)),
                record::SHEET => sheets.push(data.clone()),
                record::STRINGS => globals.strings = read_strings(records)?,
                record::END => break,
                _ => {}
            }
        }
        globals.bytes_in = if is_unicode.ok_or(NOT_ONE)? { None } else { Some(encoding) };
        let own: HashMap<u16, bool> = own
            .into_iter()
            .filter_map(|(id, format)| {
                Some((id, is_date_format(&globals.short_text(&format, globals.bytes_in.is_none())?)))
            })
            .collect();
        globals.dates = formats.iter().map(|id| *own.get(id).unwrap_or(&is_builtin_date((*id).into()))).collect();
        let mut positions = HashSet::new();
        for sheet in sheets {
            // 2.4.28: where it begins, whether it is hidden, and whether it is a worksheet.
            let position = u32_at(&sheet, 0).ok_or(NOT_ONE)?;
            let is_read = matches!(sheet.get(4..6), Some([state, 0]) if state & 3 == 0);
            if is_read && positions.insert(position) {
                let name = globals.short_text(sheet.get(6..).unwrap_or_default(), false).unwrap_or_default();
                globals.sheets.push((position.into(), name));
            }
        }
        Ok(globals)
    }

    /// A text with its length before it, in two bytes or one.
    fn short_text(&self, data: &[u8], is_long: bool) -> Option<String> {
        let count = if is_long { u16_at(data, 0)?.into() } else { usize::from(*data.first()?) };
        text_at(data, 1 + usize::from(is_long), count, self.bytes_in).map(|(text, _)| text)
    }
}

/// The texts of all sheets, section 2.4.265. They flow over the borders of records; a border inside of a text is followed by
/// its flags again.
fn read_strings<S: Read>(records: &mut Records<S>) -> Result<Strings, Stop> {
    let mut strings = Strings::default();
    let count = u32_at(&records.data, 4).unwrap_or(0);
    let mut flow = Flow { records, at: 8 };
    let mut text = String::new();
    for _ in 0..count {
        let Some([low, high, mut flags]) = flow.take()? else {
            break;
        };
        let runs = if flags & 8 != 0 { flow.take()?.map_or(0, u16::from_le_bytes) } else { 0 };
        let extra = if flags & 4 != 0 { flow.take()?.map_or(0, u32::from_le_bytes) } else { 0 };
        let mut left = usize::from(u16::from_le_bytes([low, high]));
        text.clear();
        while left > 0 {
            let mut rest = flow.rest();
            if rest.is_empty() {
                if !flow.go_on()? {
                    break;
                }
                flags = flow.take::<1>()?.map_or(0, |[flags]| flags);
                rest = flow.rest();
            }
            let width = 1 + usize::from(flags & 1);
            let characters = left.min(rest.len() / width);
            add_characters(&mut text, &rest[..characters * width], width == 2);
            left -= characters;
            // Half a character at the end of a record is none.
            flow.at += if characters == 0 { flow.rest().len() } else { characters * width };
        }
        flow.skip(usize::from(runs) * 4 + extra as usize)?;
        strings.push(&text);
    }
    Ok(strings)
}

/// A record and those that go on with it.
struct Flow<'a, S> {
    records: &'a mut Records<S>,
    at: usize,
}

impl<S: Read> Flow<'_, S> {
    fn rest(&self) -> &[u8] {
        self.records.data.get(self.at..).unwrap_or_default()
    }

    fn go_on(&mut self) -> Result<bool, Stop> {
        match self.records.head()? {
            Some((record::CONTINUE, _)) => {
                self.records.next()?;
                self.at = 0;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Stop> {
        let mut taken = [0; N];
        for byte in &mut taken {
            while self.rest().is_empty() {
                if !self.go_on()? {
                    return Ok(None);
                }
            }
            *byte = self.rest()[0];
            self.at += 1;
        }
        Ok(Some(taken))
    }

    fn skip(&mut self, mut left: usize) -> Result<(), Stop> {
        while left > 0 {
            let step = left.min(self.rest().len());
            self.at += step;
            left -= step;
            if left > 0 && !self.go_on()? {
                break;
            }
        }
        Ok(())
    }
}
