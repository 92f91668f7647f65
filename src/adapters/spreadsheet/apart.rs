//! Reading in a process of its own, which has little memory and nothing else: whatever a file does to its reader, it does
//! there. The child is this program with the hidden command `read-workbook`. It writes events to its standard output, each as
//! its kind (a byte), a length (four bytes) and its content; all numbers are little endian.

use std::io::{self, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use chrono::DateTime;
use rlimit::Resource;

use super::{Cell, Event, Limits, SpreadsheetError, read, stem};
use crate::domain::workbook::{Bytes, FileFault, Span};

/// The hidden command.
pub const COMMAND: &str = "read-workbook";
/// Reading needs a tenth of it; the rest is the program itself and what its allocator sets aside.
const MAX_MEMORY: u64 = 640 << 20;
const MAX_SECONDS: u64 = 600;
const BUFFER: usize = 128 << 10;
const MAX_FRAME: usize = 64 << 20;

mod kind {
    pub const FILE: u8 = 1;
    pub const SHEET: u8 = 2;
    pub const ROW: u8 = 3;
    pub const END: u8 = 4;
    pub const FAULT: u8 = 5;
    pub const FAILED: u8 = 6;
}

mod tag {
    pub const EMPTY: u8 = 0;
    pub const TEXT: u8 = 1;
    pub const NUMBER: u8 = 2;
    pub const DATE: u8 = 3;
    pub const FALSE: u8 = 4;
    pub const TRUE: u8 = 5;
}

/// The child that reads `path`, with nothing but a pipe to write to.
pub fn reader(program: &Path, path: &Path, limits: &Limits) -> Command {
    let mut command = Command::new(program);
    command
        .arg(COMMAND)
        .args(limits.as_numbers().map(|number| number.to_string()))
        .arg("--")
        .arg(path)
        .env_clear()
        // The allocator would set a gigabyte aside at once, which the limit of memory forbids: now and then it died of it.
        .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
        .env("MIMALLOC_ARENA_RESERVE", "16384")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// As [`read`], in a process of its own. `program` is this program's file. A reader that dies is answered like a file that
/// is too large or none; one whose events are not wanted any more is ended before this returns.
///
/// # Errors
/// As [`read`], and when the process cannot be started.
pub fn read_apart(
    program: &Path,
    path: &Path,
    name: &str,
    limits: &Limits,
    each: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<(), SpreadsheetError> {
    let child = reader(program, path, limits).spawn()?;
    let mut child = Kept(child);
    let Some(output) = child.0.stdout.take() else {
        return Err(io::Error::other("no output").into());
    };
    let mut frames = Frames { input: BufReader::with_capacity(BUFFER, output), content: Vec::new() };
    let mut cells = Cells::default();
    while let Some(kind) = frames.next()? {
        let mut content = Content(&frames.content);
        let flow = match kind {
            kind::FILE => content.bytes().map(|bytes| each(Event::File { bytes })),
            kind::SHEET => content.sheet().map(|(called, spans, rows)| {
                // Only text and HTML have sheets without a name.
                let name = if called.is_empty() { stem(name) } else { called };
                each(Event::Sheet { name, spans: &spans, rows })
            }),
            kind::ROW => cells.read(&mut content).map(|number| each(Event::Row { number, cells: cells.row() })),
            kind::END => return Ok(()),
            kind::FAULT => {
                let fault = FileFault::from_code(&String::from_utf8_lossy(&frames.content));
                return Err(SpreadsheetError::Refused(fault.unwrap_or(FileFault::NotASpreadsheet)));
            }
            kind::FAILED => {
                return Err(io::Error::other(String::from_utf8_lossy(&frames.content).into_owned()).into());
            }
            _ => None,
        };
        match flow {
            Some(ControlFlow::Continue(())) => {}
            Some(ControlFlow::Break(())) => return Ok(()),
            None => return Err(SpreadsheetError::Refused(FileFault::NotASpreadsheet)),
        }
    }
    let status = child.0.wait()?;
    tracing::warn!("the reader of a workbook ended: {status}");
    Err(SpreadsheetError::Refused(fault_of(status)))
}

/// Ended by a signal: it asked for more memory or time than it gets.
fn fault_of(status: ExitStatus) -> FileFault {
    if status.code().is_none() { FileFault::TooLarge } else { FileFault::NotASpreadsheet }
}

/// A child that does not outlive whoever asked.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The child's side: reads the file and writes what [`read_apart`] understands. Ends early when nobody reads any more.
///
/// # Errors
/// When its own limits cannot be set, or nobody reads any more.
pub fn hand_over(path: &Path, limits: &Limits, output: &mut dyn Write) -> io::Result<()> {
    for (resource, limit) in
        [(Resource::AS, MAX_MEMORY), (Resource::CPU, MAX_SECONDS), (Resource::CORE, 0), (Resource::FSIZE, 0)]
    {
        let hard = rlimit::getrlimit(resource)?.1;
        rlimit::setrlimit(resource, limit.min(hard), limit.min(hard))?;
    }
    let mut writer = Writer { output, buffer: Vec::with_capacity(2 * BUFFER), failed: None };
    let result = read(path, "", limits, &mut |event| writer.event(&event));
    if let Some(error) = writer.failed.take() {
        return Err(error);
    }
    match &result {
        Ok(()) => writer.frame(kind::END, |_| {}),
        Err(SpreadsheetError::Refused(fault)) => {
            writer.frame(kind::FAULT, |buffer| buffer.extend_from_slice(fault.code().as_bytes()));
        }
        Err(SpreadsheetError::Io(error)) => {
            writer.frame(kind::FAILED, |buffer| buffer.extend_from_slice(error.to_string().as_bytes()));
        }
    }
    writer.flush()
}

struct Writer<'a> {
    output: &'a mut dyn Write,
    buffer: Vec<u8>,
    failed: Option<io::Error>,
}

impl Writer<'_> {
    fn frame(&mut self, kind: u8, fill: impl FnOnce(&mut Vec<u8>)) {
        self.buffer.push(kind);
        let start = self.buffer.len() + 4;
        self.buffer.extend_from_slice(&[0; 4]);
        fill(&mut self.buffer);
        let length = u32_of(self.buffer.len() - start);
        self.buffer[start - 4..start].copy_from_slice(&length.to_le_bytes());
    }

    fn event(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        match event {
            Event::File { bytes } => self.frame(kind::FILE, |buffer| {
                buffer.push(match bytes {
                    Bytes::Workbook => 0,
                    Bytes::Utf8 => 1,
                    Bytes::Utf16 => 2,
                    Bytes::Single => 3,
                });
            }),
            Event::Sheet { name, spans, rows } => self.frame(kind::SHEET, |buffer| {
                put_text(buffer, name);
                put_u32(buffer, rows.map_or(0, |rows| rows.max(1)));
                for span in *spans {
                    put_u32(buffer, span.first_row);
                    put_u32(buffer, span.last_row);
                    buffer.extend_from_slice(&span.first_column.to_le_bytes());
                    buffer.extend_from_slice(&span.last_column.to_le_bytes());
                }
            }),
            Event::Row { number, cells } => self.frame(kind::ROW, |buffer| {
                put_u32(buffer, *number);
                for cell in *cells {
                    put_cell(buffer, cell);
                }
            }),
        }
        let is_row = matches!(event, Event::Row { .. });
        if (self.buffer.len() >= BUFFER || !is_row)
            && let Err(error) = self.flush()
        {
            self.failed = Some(error);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.write_all(&self.buffer)?;
        self.buffer.clear();
        self.buffer.shrink_to(4 * BUFFER);
        self.output.flush()
    }
}

fn u32_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn put_u32(buffer: &mut Vec<u8>, number: u32) {
    buffer.extend_from_slice(&number.to_le_bytes());
}

fn put_text(buffer: &mut Vec<u8>, text: &str) {
    put_u32(buffer, u32_of(text.len()));
    buffer.extend_from_slice(text.as_bytes());
}

fn put_cell(buffer: &mut Vec<u8>, cell: &Cell) {
    match cell {
        Cell::Empty => buffer.push(tag::EMPTY),
        Cell::Text(text) => {
            buffer.push(tag::TEXT);
            put_text(buffer, text);
        }
        Cell::Number(number) => {
            buffer.push(tag::NUMBER);
            buffer.extend_from_slice(&number.to_le_bytes());
        }
        Cell::Date(date) => {
            buffer.push(tag::DATE);
            buffer.extend_from_slice(&date.and_utc().timestamp_millis().to_le_bytes());
        }
        Cell::Bool(value) => buffer.push(if *value { tag::TRUE } else { tag::FALSE }),
    }
}

struct Frames<R> {
    input: R,
    content: Vec<u8>,
}

impl<R: Read> Frames<R> {
    /// The kind of the next frame, whose content is then in `content`. None when the child ended in the middle of its work.
    fn next(&mut self) -> io::Result<Option<u8>> {
        let mut head = [0; 5];
        if !is_whole(self.input.read_exact(&mut head))? {
            return Ok(None);
        }
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_FRAME {
            return Ok(None);
        }
        self.content.clear();
        self.content.shrink_to(BUFFER);
        let read = (&mut self.input).take(length as u64).read_to_end(&mut self.content)?;
        Ok((read == length).then_some(kind))
    }
}

fn is_whole(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// What is left of a frame's content.
struct Content<'a>(&'a [u8]);

impl<'a> Content<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.number()? as usize;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn bytes(&mut self) -> Option<Bytes> {
        match self.take()? {
            [0] => Some(Bytes::Workbook),
            [1] => Some(Bytes::Utf8),
            [2] => Some(Bytes::Utf16),
            [3] => Some(Bytes::Single),
            _ => None,
        }
    }

    fn sheet(&mut self) -> Option<(&'a str, Vec<Span>, Option<u32>)> {
        let name = self.text()?;
        let rows = self.number()?;
        let mut spans = Vec::with_capacity(self.0.len() / 12);
        while !self.0.is_empty() {
            let (first_row, last_row) = (self.number()?, self.number()?);
            let (first_column, last_column) =
                (self.take().map(u16::from_le_bytes)?, self.take().map(u16::from_le_bytes)?);
            spans.push(Span { first_row, last_row, first_column, last_column });
        }
        Some((name, spans, (rows > 0).then_some(rows)))
    }
}

/// A row's cells, and the memory of the rows before: a text takes the place of a text.
#[derive(Default)]
struct Cells {
    cells: Vec<Cell>,
    count: usize,
}

impl Cells {
    fn read(&mut self, content: &mut Content<'_>) -> Option<u32> {
        let number = content.number()?;
        self.count = 0;
        while let Some([tag]) = content.take() {
            if self.cells.len() == self.count {
                self.cells.push(Cell::Empty);
            }
            let place = &mut self.cells[self.count];
            self.count += 1;
            match tag {
                tag::EMPTY => *place = Cell::Empty,
                tag::TEXT => {
                    let text = content.text()?;
                    match place {
                        Cell::Text(kept) if kept.capacity() <= 1024 => {
                            kept.clear();
                            kept.push_str(text);
                        }
                        _ => *place = Cell::Text(text.to_owned()),
                    }
                }
                tag::NUMBER => *place = Cell::Number(f64::from_le_bytes(content.take()?)),
                tag::DATE => {
                    let at = DateTime::from_timestamp_millis(i64::from_le_bytes(content.take()?))?;
                    *place = Cell::Date(at.naive_utc());
                }
                tag::FALSE => *place = Cell::Bool(false),
                tag::TRUE => *place = Cell::Bool(true),
                _ => return None,
            }
        }
        Some(number)
    }

    fn row(&self) -> &[Cell] {
        &self.cells[..self.count]
    }
}
