//! XML from anybody, as a stream. Definitions of entities are not looked at, so nothing can be fetched or multiplied; how
//! deep elements stand in each other and how long one piece may be has a limit.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::{NOT_ONE, Stop};

/// One tag or one text.
pub const MAX_PIECE: usize = 8 << 20;
const MAX_DEPTH: usize = 256;

pub struct Xml<R> {
    reader: Reader<Limited<R>>,
    buffer: Vec<u8>,
    depth: usize,
}

impl<R: BufRead> Xml<R> {
    pub fn new(source: R) -> Self {
        let mut reader = Reader::from_reader(Limited { source, left: MAX_PIECE });
        // Programs write them in pairs; comparing costs a tenth of the reading.
        reader.config_mut().check_end_names = false;
        Self { reader, buffer: Vec::new(), depth: 0 }
    }

    #[inline]
    pub fn next(&mut self) -> Result<Event<'_>, Stop> {
        self.buffer.clear();
        self.reader.get_mut().left = MAX_PIECE;
        let event = self.reader.read_event_into(&mut self.buffer).map_err(|error| match error {
            quick_xml::Error::Io(error) => {
                error.raw_os_error().map_or(error.kind().into(), io::Error::from_raw_os_error).into()
            }
            _ => NOT_ONE,
        })?;
        match event {
            Event::Start(_) if self.depth >= MAX_DEPTH => return Err(NOT_ONE),
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        Ok(event)
    }
}

struct Limited<R> {
    source: R,
    left: usize,
}

impl<R: BufRead> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer)
    }
}

impl<R: BufRead> BufRead for Limited<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.source.consume(amount);
    }
}

/// The names and values of an element's attributes, as they are written.
pub fn attributes<'a>(element: &'a BytesStart<'_>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let mut rest = element.attributes_raw();
    std::iter::from_fn(move || {
        let (name, behind) = split(rest, b'=')?;
        let behind = behind.trim_ascii_start();
        let quote = *behind.as_bytes().first().filter(|byte| matches!(byte, b'"' | b'\''))?;
        let (value, behind) = split(&behind[1..], quote)?;
        rest = behind;
        Some((name.trim_ascii(), value))
    })
}

/// At the first of this byte. The texts are short: looking at each byte beats every search.
fn split(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|it| it == byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The value of an attribute, whatever prefix its name has.
pub fn attribute<'a>(element: &'a BytesStart<'_>, name: &str) -> Option<Cow<'a, str>> {
    let (_, value) = attributes(element).find(|(it, _)| it.rsplit(':').next() == Some(name))?;
    Some(plain(value))
}

/// An attribute's value without entities. What is not known stays as it is written.
pub fn plain(value: &str) -> Cow<'_, str> {
    quick_xml::escape::unescape(value).unwrap_or(Cow::Borrowed(value))
}

/// The character that `&…;` stands for. What a file defines itself stands for nothing.
pub fn entity(reference: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character);
    }
    match reference.xml10_content().as_ref() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// Adds what an event has of text.
pub fn add_text(text: &mut String, event: &Event<'_>) {
    // A cell holds less; without a limit here the pieces of one element would be gathered without end.
    if text.len() > 1 << 20 {
        return;
    }
    match event {
        Event::Text(piece) => text.push_str(&piece.xml10_content()),
        Event::CData(piece) => text.push_str(&piece.xml10_content()),
        Event::GeneralRef(reference) => text.extend(entity(reference)),
        _ => {}
    }
}
