//! The reader of lists, in whatever file they come and whoever made it: .xlsx, .xlsb, .xls, .ods, text with delimiters, and
//! the HTML and XML that programs save under the name of a spreadsheet. The content decides the format, never the name.
//!
//! calamine reads Excel's workbooks. It does not read the merged areas of OpenDocument sheets, and writes out what they
//! repeat; nor does it know the other formats: those have readers of our own.
//!
//! A file of a kilobyte can claim cells, strings or bytes without end, and a failed allocation ends the whole process. So
//! every format but .xls is read as a stream, a claim has a limit that is checked before it is believed, and the reading
//! happens in a process of its own ([`read_apart`]): there a reader may also panic, as calamine does over some broken files.

mod apart;
mod dates;
mod excel;
mod html;
mod mime;
mod ods;
mod out;
mod package;
mod text;
mod xls;
mod xlsb;
mod xlsx;
mod xml;
mod xml2003;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;
use std::path::Path;

pub use self::apart::{hand_over, read_apart, reader};
use self::out::Out;
use self::package::Package;
pub use crate::domain::spreadsheet::Cell;
use crate::domain::workbook::{Bytes, FileFault, Span};

/// What is handed over, in the order of the file.
#[derive(Debug)]
pub enum Event<'a> {
    /// First, once.
    File { bytes: Bytes },
    /// A visible sheet begins. `spans`: its merged areas. `rows`: how many rows it says it has, for the progress bar.
    Sheet { name: &'a str, spans: &'a [Span], rows: Option<u32> },
    /// A row with content: its number from 1 as the program shows it, and its cells from column A.
    Row { number: u32, cells: &'a [Cell] },
}

/// What a file may hold at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub file_bytes: u64,
    /// All parts of a packed workbook, unpacked; also all the text that is handed over.
    pub unpacked_bytes: u64,
    /// Rows with content, over all sheets.
    pub rows: u32,
    /// Columns beyond are passed over: no list of ours is that wide, and stray cells at the far end are common.
    pub columns: u32,
    pub cells: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: 300 << 20, unpacked_bytes: 6_000 << 20, rows: 2_000_000, columns: 200, cells: 100_000_000 }
    }
}

impl Limits {
    /// In the order of their declaration, as `tnhs read-workbook` takes them.
    pub fn as_numbers(&self) -> [u64; 5] {
        let Self { file_bytes, unpacked_bytes, rows, columns, cells } = *self;
        [file_bytes, unpacked_bytes, rows.into(), columns.into(), cells]
    }

    pub fn from_numbers([file_bytes, unpacked_bytes, rows, columns, cells]: [u64; 5]) -> Self {
        let small = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Self { file_bytes, unpacked_bytes, rows: small(rows), columns: small(columns), cells }
    }
}

/// Why a file was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum SpreadsheetError {
    #[error("{}", .0.label())]
    Refused(FileFault),
    #[error("spreadsheet: {0}")]
    Io(#[from] io::Error),
}

/// Why reading stops before the end of a file.
#[derive(Debug)]
enum Stop {
    Fault(FileFault),
    Io(io::Error),
    /// Whoever asked has seen enough.
    Enough,
}

const NOT_ONE: Stop = Stop::Fault(FileFault::NotASpreadsheet);
const TOO_LARGE: Stop = Stop::Fault(FileFault::TooLarge);

/// Readers of parts report through `io::Error`: what the system did not report is wrong with the content.
impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match (error.raw_os_error(), error.kind()) {
            (Some(_), _) => Self::Io(error),
            (None, io::ErrorKind::FileTooLarge) => TOO_LARGE,
            (None, _) => NOT_ONE,
        }
    }
}

/// Hands over a file's sheets and rows. `name` is what the file was called; the sheet of a text or HTML file is called like
/// it. `each` may end the reading with [`ControlFlow::Break`]. Blocks.
///
/// # Errors
/// Empty, no spreadsheet, protected, or beyond a limit; rows may have been handed over before.
pub fn read(
    path: &Path,
    name: &str,
    limits: &Limits,
    each: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<(), SpreadsheetError> {
    let mut out = Out::new(each, limits);
    match dispatch(path, stem(name), limits, &mut out).and_then(|()| out.finish()) {
        Ok(()) | Err(Stop::Enough) => Ok(()),
        Err(Stop::Fault(fault)) => Err(SpreadsheetError::Refused(fault)),
        Err(Stop::Io(error)) => Err(SpreadsheetError::Io(error)),
    }
}

/// The file's name without its ending, if it has one.
fn stem(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

const ZIP: &[u8] = b"PK\x03\x04";
const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

fn dispatch(path: &Path, sheet: &str, limits: &Limits, out: &mut Out<'_>) -> Result<(), Stop> {
    let mut file = File::open(path).map_err(Stop::Io)?;
    let length = file.metadata().map_err(Stop::Io)?.len();
    if length == 0 {
        return Err(Stop::Fault(FileFault::EmptyFile));
    }
    if length > limits.file_bytes {
        return Err(TOO_LARGE);
    }
    let mut beginning = Vec::new();
    (&mut file).take(8).read_to_end(&mut beginning)?;
    file.rewind()?;
    if beginning.starts_with(ZIP) {
        let mut package = Package::open(file, length, limits)?;
        // A document that is encrypted as a whole is a single part of its package.
        return if package.has("encrypted-package") {
            Err(Stop::Fault(FileFault::Protected))
        } else if package.has("content.xml") {
            ods::read(&mut package, out)
        } else {
            let workbook = package.workbook()?;
            if workbook.ends_with(".bin") {
                xlsb::read(path, &mut package, &workbook, out)
            } else {
                xlsx::read(path, &mut package, &workbook, out)
            }
        };
    }
    if beginning == OLE {
        return xls::read(path, file, out);
    }
    let text = text::Text::examine(file)?;
    let start = text.start();
    match start.starts_with('<') {
        true if start.contains("<office:document") => ods::read_flat(&text, out),
        true if xml2003::is_workbook(start) => xml2003::read(&text, out),
        true => html::read(&text, sheet, out),
        // Some portals print a word or an error before the page.
        false if mime::is_letter(start) || start.to_ascii_lowercase().contains("<table") => {
            html::read(&text, sheet, out)
        }
        false => text.read(sheet, out),
    }
}

#[cfg(test)]
mod tests;
