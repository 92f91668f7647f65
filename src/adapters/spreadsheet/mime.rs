//! "Single File Web Page" (.mht), as Excel saves it under the name of a spreadsheet: a letter whose parts are the pages of
//! the sheets. Of it the HTML parts are read, one behind another.

use std::io::{self, BufRead, Read};

const MAX_LINE: u64 = 1 << 20;
const MAX_BOUNDARIES: usize = 16;

#[derive(PartialEq)]
enum Place {
    Head,
    Html,
    Other,
}

pub struct Pages<R> {
    source: R,
    place: Place,
    is_html: bool,
    is_quoted: bool,
    /// Lines that begin a part.
    boundaries: Vec<Vec<u8>>,
    line: Vec<u8>,
    /// What is decoded and how much of it is read.
    decoded: Vec<u8>,
    at: usize,
}

/// Whether a text begins like a letter with parts.
pub fn is_letter(start: &str) -> bool {
    let head = start.split("\r\n\r\n").next().unwrap_or(start).to_ascii_lowercase();
    head.starts_with("mime-version:") || (head.starts_with("from:") && head.contains("\nmime-version:"))
}

impl<R: BufRead> Pages<R> {
    pub fn new(source: R) -> Self {
        Self {
            source,
            place: Place::Head,
            is_html: false,
            is_quoted: false,
            boundaries: Vec::new(),
            line: Vec::new(),
            decoded: Vec::new(),
            at: 0,
        }
    }

    fn take_line(&mut self) {
        let line = self.line.trim_ascii_end();
        if self.boundaries.iter().any(|boundary| line.starts_with(boundary)) {
            (self.place, self.is_html, self.is_quoted) = (Place::Head, false, false);
            return;
        }
        match self.place {
            Place::Head if line.is_empty() => self.place = if self.is_html { Place::Html } else { Place::Other },
            Place::Head => {
                let text = String::from_utf8_lossy(line);
                let lower = text.to_ascii_lowercase();
                self.is_html |= lower.contains("text/html");
                self.is_quoted |= lower.contains("quoted-printable");
                if let Some(at) = lower.find("boundary=")
                    && self.boundaries.len() < MAX_BOUNDARIES
                {
                    let boundary = text[at + 9..].trim_start_matches('"').split(['"', ';']).next().unwrap_or_default();
                    self.boundaries.push([b"--", boundary.as_bytes()].concat());
                }
            }
            Place::Html if self.is_quoted => unquote(line, &mut self.decoded),
            Place::Html => self.decoded.extend_from_slice(&self.line),
            Place::Other => {}
        }
    }
}

/// `=C3=A9`, and a `=` at the end of a line that goes on.
fn unquote(line: &[u8], decoded: &mut Vec<u8>) {
    let (line, goes_on) = line.strip_suffix(b"=").map_or((line, false), |line| (line, true));
    let mut rest = line;
    while let Some(at) = memchr::memchr(b'=', rest) {
        decoded.extend_from_slice(&rest[..at]);
        let digits = rest.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                rest = &rest[at + 3..];
            }
            None => {
                decoded.push(b'=');
                rest = &rest[at + 1..];
            }
        }
    }
    decoded.extend_from_slice(rest);
    if !goes_on {
        decoded.push(b'\n');
    }
}

impl<R: BufRead> Read for Pages<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.decoded.len() {
            self.decoded.clear();
            self.at = 0;
            self.line.clear();
            if (&mut self.source).take(MAX_LINE).read_until(b'\n', &mut self.line)? == 0 {
                return Ok(0);
            }
            self.take_line();
        }
        let read = (&self.decoded[self.at..]).read(buffer)?;
        self.at += read;
        Ok(read)
    }
}
