//! Text: what its bytes are, and rows with a delimiter between the cells (.csv, .txt, Excel's "Unicode text").
//!
//! Each record is a row, empty ones count, and line breaks inside of quotes do not end it. Quotes are believed as far as they
//! make sense: a quoted cell ends with a quote before a delimiter or the end of a line. Where none comes, the quote is a
//! character like others, so that a stray one costs no rows.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::out::{Out, Value};
use super::{NOT_ONE, Stop};
use crate::domain::workbook::Bytes;

/// A file that is text, and how its bytes are read.
pub struct Text {
    file: File,
    bytes: Bytes,
    encoding: &'static Encoding,
    start: String,
}

/// Beginnings of files that people take for spreadsheets, or rename.
const OTHER_FILES: &[&[u8]] =
    &[b"%PDF", b"\x89PNG", b"\xFF\xD8\xFF", b"GIF8", b"{\\rtf", b"Rar!", b"7z\xBC\xAF", b"\x1F\x8B", b"BM", b"RIFF"];

impl Text {
    /// Goes through the file once: only all of it tells whether it is UTF-8.
    pub fn examine(file: File) -> Result<Self, Stop> {
        let mut look = Look::default();
        let mut reader = BufReader::with_capacity(128 << 10, &file);
        let mut window = vec![0; 128 << 10];
        let mut kept = 0;
        let mut beginning = Vec::new();
        loop {
            let read = reader.read(&mut window[kept..])?;
            if beginning.is_empty() {
                beginning.extend_from_slice(&window[..read.min(4096)]);
            }
            kept = look.at(&mut window, kept + read, read == 0);
            if read == 0 {
                break;
            }
        }
        let (encoding, bytes) = look.verdict(&beginning)?;
        let mut text = Self { file, bytes, encoding, start: String::new() };
        let mut start = Vec::new();
        text.open()?.take(4096).read_to_end(&mut start)?;
        text.start = String::from_utf8_lossy(&start).trim_start().to_owned();
        Ok(text)
    }

    /// The first characters that are not spaces.
    pub fn start(&self) -> &str {
        &self.start
    }

    pub fn bytes(&self) -> Bytes {
        self.bytes
    }

    /// The text from its beginning, as UTF-8.
    pub fn open(&self) -> Result<BufReader<Decoded>, Stop> {
        let mut file = self.file.try_clone().map_err(Stop::Io)?;
        file.rewind().map_err(Stop::Io)?;
        Ok(BufReader::with_capacity(64 << 10, Decoded::new(file, self.encoding)))
    }

    /// Hands over the rows of a text with delimiters.
    pub fn read(&self, sheet: &str, out: &mut Out<'_>) -> Result<(), Stop> {
        out.file(self.bytes)?;
        out.sheet(sheet, &[], None)?;
        let mut records = Records { source: self.open()?, buffer: Vec::new(), at: 0, ended: false, unquoted: 0 };
        records.fill()?;
        let mut number = 0_u32;
        let delimiter = match declared_delimiter(records.rest()) {
            Some(delimiter) => {
                records.skip_line();
                number = 1;
                delimiter
            }
            None => likely_delimiter(records.rest()),
        };
        while records.fill()? {
            number = number.checked_add(1).ok_or(super::TOO_LARGE)?;
            records.read(delimiter, &mut |column, text| out.cell(number, column, Value::Text(text)))?;
        }
        Ok(())
    }
}

/// What is found out about the bytes of a file.
#[derive(Default)]
struct Look {
    total: usize,
    zeros_even: usize,
    zeros_odd: usize,
    /// Control characters that no text has.
    controls: usize,
    /// Letters beyond ASCII in UTF-8, and places that are none.
    letters: usize,
    faults: usize,
}

impl Look {
    /// Returns how many bytes at the end must be seen again, moved to the front.
    fn at(&mut self, window: &mut [u8], filled: usize, is_last: bool) -> usize {
        let mut rest = &window[..filled];
        loop {
            let (valid, bad) = match std::str::from_utf8(rest) {
                Ok(_) => (rest.len(), 0),
                Err(error) => match error.error_len() {
                    Some(bad) => (error.valid_up_to(), bad),
                    None if is_last => (error.valid_up_to(), rest.len() - error.valid_up_to()),
                    None => {
                        self.count(&rest[..error.valid_up_to()]);
                        let cut = filled - (rest.len() - error.valid_up_to());
                        window.copy_within(cut..filled, 0);
                        return filled - cut;
                    }
                },
            };
            self.count(&rest[..valid]);
            self.faults += usize::from(bad > 0);
            self.total += bad;
            rest = &rest[valid + bad..];
            if rest.is_empty() {
                return 0;
            }
        }
    }

    fn count(&mut self, valid: &[u8]) {
        for (at, byte) in valid.iter().enumerate() {
            match byte {
                0 if (self.total + at).is_multiple_of(2) => self.zeros_even += 1,
                0 => self.zeros_odd += 1,
                b'\t' | b'\n' | b'\r' | 0x0B | 0x0C | 0x1A => {}
                ..0x20 => self.controls += 1,
                0xC0.. => self.letters += 1,
                _ => {}
            }
        }
        self.total += valid.len();
    }

    fn verdict(&self, beginning: &[u8]) -> Result<(&'static Encoding, Bytes), Stop> {
        if OTHER_FILES.iter().any(|magic| beginning.starts_with(magic)) {
            return Err(NOT_ONE);
        }
        match Encoding::for_bom(beginning) {
            Some((encoding, _)) if encoding == UTF_8 => {}
            Some((encoding, _)) => return Ok((encoding, Bytes::Utf16)),
            // Half of the bytes of a Latin text in UTF-16 are zero, all on one side.
            None if self.zeros_odd > self.total / 5 && self.zeros_even * 50 < self.zeros_odd => {
                return Ok((UTF_16LE, Bytes::Utf16));
            }
            None if self.zeros_even > self.total / 5 && self.zeros_odd * 50 < self.zeros_even => {
                return Ok((UTF_16BE, Bytes::Utf16));
            }
            None => {}
        }
        if self.zeros_even + self.zeros_odd > 0 || self.controls > self.total / 100 {
            return Err(NOT_ONE);
        }
        // One byte that went wrong does not make a text of UTF-8 another; in others, hardly a letter looks like UTF-8.
        if self.faults == 0 || self.faults * 20 < self.letters {
            return Ok((UTF_8, Bytes::Utf8));
        }
        Ok((WINDOWS_1252, Bytes::Single))
    }
}

/// Bytes of any encoding as UTF-8. What is wrong becomes U+FFFD.
pub struct Decoded {
    file: File,
    decoder: Decoder,
    input: Box<[u8]>,
    /// What is read of the input and not decoded.
    pending: std::ops::Range<usize>,
    ended: bool,
    finished: bool,
}

impl Decoded {
    fn new(file: File, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Self { file, decoder, input: vec![0; 64 << 10].into(), pending: 0..0, ended: false, finished: false }
    }
}

impl Read for Decoded {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        while !self.finished {
            if self.pending.is_empty() && !self.ended {
                let read = self.file.read(&mut self.input)?;
                self.pending = 0..read;
                self.ended = read == 0;
            }
            let input = &self.input[self.pending.clone()];
            let (result, taken, written, _) = self.decoder.decode_to_utf8(input, output, self.ended);
            self.pending.start += taken;
            self.finished = self.ended && result == CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

/// How far a quoted cell is believed to reach.
const LOOK_AHEAD: usize = 256 << 10;

struct Records<R> {
    source: R,
    buffer: Vec<u8>,
    at: usize,
    ended: bool,
    /// Up to here no quote begins a quoted cell: looked for once, or a long line of quotes would be looked through for each.
    unquoted: usize,
}

impl<R: Read> Records<R> {
    fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// Sees to it that enough is read; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        if self.rest().len() < LOOK_AHEAD && !self.ended {
            self.buffer.drain(..self.at);
            self.unquoted = self.unquoted.saturating_sub(self.at);
            self.at = 0;
            let wanted = (4 * LOOK_AHEAD - self.buffer.len()) as u64;
            let read = (&mut self.source).take(wanted).read_to_end(&mut self.buffer)?;
            self.ended = (read as u64) < wanted;
        }
        Ok(!self.rest().is_empty())
    }

    fn skip_line(&mut self) {
        let end = memchr::memchr2(b'\n', b'\r', self.rest()).unwrap_or(self.rest().len());
        self.at += end;
        self.skip_line_end();
    }

    fn skip_line_end(&mut self) {
        self.at += if self.rest().starts_with(b"\r\n") { 2 } else { usize::from(!self.rest().is_empty()) };
    }

    fn read(&mut self, delimiter: u8, cell: &mut dyn FnMut(u32, &str) -> Result<(), Stop>) -> Result<(), Stop> {
        let mut column = 0_u32;
        loop {
            self.fill()?;
            let found = if self.at < self.unquoted { Err(0) } else { quoted(self.rest(), delimiter, self.ended) };
            if let Ok((length, text)) = found {
                cell(column, &text)?;
                self.at += length;
            } else {
                self.unquoted = self.unquoted.max(self.at + found.err().unwrap_or(0));
                let end = memchr::memchr3(delimiter, b'\n', b'\r', self.rest());
                let text = &self.rest()[..end.unwrap_or(self.rest().len())];
                cell(column, lossy(text))?;
                self.at += text.len();
                // The rest of a cell that is longer than any may be.
                while self.rest().is_empty() && self.fill()? {
                    self.at += memchr::memchr3(delimiter, b'\n', b'\r', self.rest()).unwrap_or(self.rest().len());
                }
            }
            match self.rest().first() {
                Some(byte) if *byte == delimiter => {
                    self.at += 1;
                    column = column.saturating_add(1);
                }
                _ => {
                    self.skip_line_end();
                    return Ok(());
                }
            }
        }
    }
}

/// As far as it is UTF-8: a letter may be cut at the end of the buffer.
fn lossy(text: &[u8]) -> &str {
    std::str::from_utf8(text).unwrap_or_else(|error| std::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or(""))
}

/// A quoted cell at the beginning: how long it is with its quotes, and what it says. Or up to where there is none.
fn quoted(rest: &[u8], delimiter: u8, is_all: bool) -> Result<(usize, Cow<'_, str>), usize> {
    let inside = rest.strip_prefix(b"\"").ok_or(0_usize)?;
    let inside = &inside[..inside.len().min(LOOK_AHEAD)];
    let (mut start, mut many_lines, mut has_quotes) = (0, false, false);
    loop {
        let quote = start + memchr::memchr(b'"', &inside[start..]).ok_or(inside.len())?;
        many_lines = many_lines || memchr::memchr2(b'\n', b'\r', &inside[start..quote]).is_some();
        match inside.get(quote + 1) {
            Some(b'"') => {
                has_quotes = true;
                start = quote + 2;
            }
            // On its line a quote is taken for one that should have been doubled. Beyond, it is the beginning of another
            // cell, and the first quote was none.
            Some(byte) if *byte != delimiter && !matches!(byte, b'\n' | b'\r') => {
                if many_lines {
                    return Err(quote + 1);
                }
                start = quote + 1;
            }
            None if !is_all || inside.len() == LOOK_AHEAD => return Err(inside.len()),
            _ => {
                let text = lossy(&inside[..quote]);
                let text = if has_quotes { text.replace("\"\"", "\"").into() } else { text.into() };
                return Ok((quote + 2, text));
            }
        }
    }
}

/// `sep=;` in the first line, which Excel honours.
fn declared_delimiter(text: &[u8]) -> Option<u8> {
    let line = &text[..memchr::memchr2(b'\n', b'\r', text)?];
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let (word, delimiter) = line.split_at_checked(4)?;
    match delimiter {
        [byte] if word.eq_ignore_ascii_case(b"sep=") && byte.is_ascii() => Some(*byte),
        _ => None,
    }
}

/// The delimiter by which most of the first rows have equally many cells.
fn likely_delimiter(text: &[u8]) -> u8 {
    const ROWS: usize = 100;
    let score = |delimiter: u8| {
        let mut counts = std::collections::BTreeMap::new();
        let (mut rest, mut cells, mut rows, mut quotes_below) = (text, 1_usize, 0, usize::MAX);
        while rows < ROWS && !rest.is_empty() {
            let found = if rest.len() > quotes_below { Err(0) } else { quoted(rest, delimiter, true) };
            let length = match found {
                Ok((length, _)) => length,
                Err(none) => {
                    quotes_below = quotes_below.min(rest.len() - none);
                    memchr::memchr3(delimiter, b'\n', b'\r', rest).unwrap_or(rest.len())
                }
            };
            rest = &rest[length..];
            match rest.first() {
                Some(byte) if *byte == delimiter => cells += 1,
                _ => {
                    if cells > 1 {
                        *counts.entry(cells).or_insert(0_usize) += 1;
                    }
                    (cells, rows) = (1, rows + 1);
                }
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        counts.into_iter().map(|(cells, rows)| rows * rows * (cells - 1)).max().unwrap_or(0)
    };
    // Of equals the last is taken: a comma is also in numbers and addresses.
    *b",|;\t".iter().max_by_key(|delimiter| score(**delimiter)).unwrap_or(&b'\t')
}
