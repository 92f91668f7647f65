//! A packed workbook: a zip archive with parts that refer to each other. What the archive says about itself is checked
//! before anything is unpacked, and while a part is read it is held to what was said.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use quick_xml::events::Event;
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::xml::{MAX_PIECE, Xml, attribute};
use super::{Limits, NOT_ONE, Stop, TOO_LARGE};
use crate::domain::workbook::FileFault;

/// Lists pack twenty to one; a bomb packs a thousand to one.
const MAX_RATIO: u64 = 100;
/// Below this much nobody minds how well it packs.
const RATIO_FLOOR: u64 = 32 << 20;
const MAX_PARTS: u64 = 10_000;
const MAX_RELATIONS: usize = 20_000;

pub struct Package {
    archive: ZipArchive<BufReader<File>>,
    /// Parts by their name in small letters with forward slashes.
    names: HashMap<String, usize>,
    unpacked: u64,
}

/// What a part refers to: by id, the kind (the last word of its address) and the part.
pub type Relations = HashMap<String, (String, String)>;

impl From<ZipError> for Stop {
    fn from(error: ZipError) -> Self {
        match error {
            ZipError::Io(error) => error.into(),
            _ => NOT_ONE,
        }
    }
}

impl Package {
    pub fn open(mut file: File, length: u64, limits: &Limits) -> Result<Self, Stop> {
        check_end(&mut file, length)?;
        let archive = ZipArchive::new(BufReader::new(file))?;
        let mut names = HashMap::new();
        let (mut packed, mut unpacked) = (0_u64, 0_u64);
        for index in 0..archive.len() {
            let part = archive.by_index_data(index)?;
            if part.encrypted() {
                return Err(Stop::Fault(FileFault::Protected));
            }
            packed = packed.saturating_add(part.compressed_size());
            unpacked = unpacked.saturating_add(part.size());
            if is_bomb(part.compressed_size(), part.size()) {
                return Err(TOO_LARGE);
            }
            // Of two parts of one name, one would be checked and the other read.
            if let Ok(name) = part.name()
                && names.insert(normal(&name), index).is_some()
            {
                return Err(NOT_ONE);
            }
        }
        if unpacked > limits.unpacked_bytes || is_bomb(packed, unpacked) {
            return Err(TOO_LARGE);
        }
        Ok(Self { archive, names, unpacked })
    }

    /// How many bytes all parts have together.
    pub fn unpacked(&self) -> u64 {
        self.unpacked
    }

    pub fn has(&self, name: &str) -> bool {
        self.names.contains_key(&normal(name))
    }

    /// The part of this name, unpacked as it is read.
    pub fn part(&mut self, name: &str) -> Result<Option<Part<'_>>, Stop> {
        let Some(index) = self.names.get(&normal(name)) else {
            return Ok(None);
        };
        let file = self.archive.by_index(*index)?;
        let left = file.size();
        Ok(Some(BufReader::with_capacity(64 << 10, Declared { file, left })))
    }

    /// As [`Self::part`], if it is no longer than this.
    pub fn part_within(&mut self, name: &str, limit: u64) -> Result<Option<Part<'_>>, Stop> {
        match self.part(name)? {
            Some(part) if part.get_ref().left > limit => Err(TOO_LARGE),
            part => Ok(part),
        }
    }

    pub fn xml(&mut self, name: &str) -> Result<Option<Xml<Part<'_>>>, Stop> {
        Ok(self.part(name)?.map(Xml::new))
    }

    /// The part that the whole package is about.
    pub fn workbook(&mut self) -> Result<String, Stop> {
        let named = self.relations("")?.into_values().find(|(kind, _)| kind == "officeDocument").map(|(_, part)| part);
        named
            .into_iter()
            .chain(["xl/workbook.xml".to_owned(), "xl/workbook.bin".to_owned()])
            .find(|name| self.has(name))
            .ok_or(NOT_ONE)
    }

    /// What the part refers to; none when it says nothing.
    pub fn relations(&mut self, part: &str) -> Result<Relations, Stop> {
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        let mut relations = Relations::new();
        let Some(mut xml) = self.xml(&format!("{folder}/_rels/{file}.rels"))? else {
            return Ok(relations);
        };
        loop {
            match xml.next()? {
                Event::Start(element) | Event::Empty(element)
                    if element.local_name().as_ref() == "Relationship" && relations.len() < MAX_RELATIONS =>
                {
                    let kind = attribute(&element, "Type").unwrap_or_default();
                    let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                    if let (Some(id), Some(target)) = (attribute(&element, "Id"), attribute(&element, "Target")) {
                        relations.insert(id.into_owned(), (kind, resolve(folder, &target)));
                    }
                }
                Event::Eof => return Ok(relations),
                _ => {}
            }
        }
    }
}

/// The end of the archive must be the end of the file: one that is cut off, or has something behind it, is damaged. And it
/// says how many parts there are, for each of which memory is set aside.
fn check_end(file: &mut File, length: u64) -> Result<(), Stop> {
    const RECORD: u64 = 22;
    let window = length.min(RECORD + u64::from(u16::MAX));
    file.seek(SeekFrom::Start(length - window))?;
    let mut tail = Vec::new();
    file.take(window).read_to_end(&mut tail)?;
    file.rewind()?;
    let ends_here = |at: &usize| {
        let comment = tail.get(at + 20..at + 22).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])));
        comment.is_some_and(|comment| at + 22 + comment == tail.len())
    };
    let at = memchr::memmem::rfind_iter(&tail, b"PK\x05\x06").find(ends_here).ok_or(NOT_ONE)?;
    let mut parts = u64::from(u16::from_le_bytes([tail[at + 10], tail[at + 11]]));
    // The record of a large archive stands in front of its locator, which stands in front of this one.
    if parts == u64::from(u16::MAX)
        && let Some(record) = at.checked_sub(76).and_then(|start| tail.get(start..at))
        && record.starts_with(b"PK\x06\x06")
        && let Some(count) = record.get(32..40).and_then(|count| count.try_into().ok())
    {
        parts = u64::from_le_bytes(count);
    }
    if parts > MAX_PARTS { Err(TOO_LARGE) } else { Ok(()) }
}

fn is_bomb(packed: u64, unpacked: u64) -> bool {
    unpacked > RATIO_FLOOR && unpacked / MAX_RATIO > packed
}

/// As programs wrote names: with backslashes, with a slash in front, in other letters.
fn normal(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches("./").trim_start_matches('/').to_lowercase()
}

/// Where a reference from a folder leads.
fn resolve(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let mut path: Vec<&str> = if target.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            step => path.push(step),
        }
    }
    path.join("/")
}

pub type Part<'a> = BufReader<Declared<'a>>;

/// A part that may not be longer than the archive says.
pub struct Declared<'a> {
    file: ZipFile<'a, BufReader<File>>,
    /// How many bytes are still to come.
    pub left: u64,
}

impl Read for Declared<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(io::ErrorKind::FileTooLarge.into()),
        }
        Ok(read)
    }
}

/// Goes through a part of XML once, in pieces of which each begins with the end of the one before, so that a word on the
/// border is seen whole. `look` gets the piece and how many of its bytes were seen before. A text or a tag that is so long
/// that whole pieces lie in it is too large: readers hold it in memory.
pub fn scan(
    mut part: impl BufRead,
    overlap: usize,
    mut look: impl FnMut(&[u8], usize) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut window = vec![0; overlap + (256 << 10)];
    let (mut kept, mut inside) = (0, 0);
    loop {
        let read = part.read(&mut window[kept..])?;
        if read == 0 {
            return Ok(());
        }
        let filled = kept + read;
        let fresh = &window[kept..filled];
        let goes_on = memchr::memchr(b'<', fresh).is_none() || memchr::memchr(b'>', fresh).is_none();
        inside = if goes_on { inside + read } else { 0 };
        if inside > MAX_PIECE {
            return Err(TOO_LARGE);
        }
        look(&window[..filled], kept)?;
        kept = filled.min(overlap);
        window.copy_within(filled - kept..filled, 0);
    }
}
