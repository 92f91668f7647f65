//! What an import keeps on disk, in a folder under its id: the file as it came, what was found in it, and the lists that
//! pages and downloads show. All of it can be made again from the file.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::config::private_folder;
use crate::domain::ids::ImportId;

/// The folder of one import.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// A list for a page to show, one JSON object a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Refused,
    Warnings,
    /// Of whom a list says something new: before and after.
    Changed,
    /// Some of those who are new, and of those of whom it says nothing new.
    Added,
    Unchanged,
}

impl List {
    pub const ALL: [Self; 5] = [Self::Refused, Self::Warnings, Self::Changed, Self::Added, Self::Unchanged];

    pub fn code(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Warnings => "warnings",
            Self::Changed => "changed",
            Self::Added => "added",
            Self::Unchanged => "unchanged",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.code() == code)
    }
}

impl Folder {
    pub fn of(data_dir: &Path, id: ImportId) -> Self {
        Self(data_dir.join("imports").join(id.to_string()))
    }

    /// Any folder, for reading without leaving anything behind.
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    pub fn create(&self) -> io::Result<()> {
        private_folder(&self.0)
    }

    /// Removes everything that was kept.
    pub fn remove(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The file as it came.
    pub fn source(&self) -> PathBuf {
        self.0.join("source")
    }

    /// Rows between the two passes of reading.
    pub fn lines(&self) -> PathBuf {
        self.0.join("lines")
    }

    /// The rows that are taken, and what each changes.
    pub fn accepted(&self) -> PathBuf {
        self.0.join("accepted")
    }

    fn list(&self, list: List) -> PathBuf {
        self.0.join(list.code())
    }

    /// A file for a download in the making.
    pub fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        tempfile::NamedTempFile::new_in(&self.0)
    }

    pub fn keep<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        let file = BufWriter::new(File::create(self.0.join(name))?);
        serde_json::to_writer(file, value).map_err(io::Error::from)
    }

    /// What was kept under a name; None when there is nothing, also because it is no longer kept.
    pub fn kept<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match File::open(self.0.join(name)) {
            Ok(file) => Ok(Some(serde_json::from_reader(BufReader::new(file))?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn list_writer(&self, list: List) -> io::Result<ListWriter> {
        let index = BufWriter::new(File::create(self.list(list).with_extension("pages"))?);
        Ok(ListWriter { rows: BufWriter::new(File::create(self.list(list))?), index, count: 0, at: 0 })
    }

    /// The entries of a page, from 0. Empty behind the last one, and when the list is no longer kept.
    pub fn page<T: DeserializeOwned>(&self, list: List, page: u64) -> io::Result<Vec<T>> {
        let mut index = match File::open(self.list(list).with_extension("pages")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut start = [0; 8];
        index.seek(SeekFrom::Start(page * 8))?;
        if index.read(&mut start)? < 8 {
            return Ok(Vec::new());
        }
        let mut rows = BufReader::new(File::open(self.list(list))?);
        rows.seek(SeekFrom::Start(u64::from_le_bytes(start)))?;
        rows.lines().take(PAGE).map(|line| Ok(serde_json::from_str(&line?)?)).collect()
    }

    /// Every entry of a list, in order.
    pub fn all<T: DeserializeOwned>(&self, list: List) -> io::Result<impl Iterator<Item = io::Result<T>>> {
        let lines = BufReader::new(File::open(self.list(list))?).lines();
        Ok(lines.map(|line| Ok(serde_json::from_str(&line?)?)))
    }
}

/// Removes what was being uploaded when its process died.
pub fn sweep_uploads(data_dir: &Path, before: NaiveDateTime) -> io::Result<()> {
    let Ok(entries) = std::fs::read_dir(data_dir.join("imports")) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        // Folders are imports; a file that is gone by now has found its place in one.
        let Some(metadata) = path.metadata().ok().filter(Metadata::is_file) else { continue };
        if DateTime::<Utc>::from(metadata.modified()?).naive_utc() < before {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// What a file is known by, whatever it is called. Blocks.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (BufReader::with_capacity(1 << 16, File::open(path)?), Sha256::new());
    loop {
        let piece = file.fill_buf()?;
        if piece.is_empty() {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(piece);
        let length = piece.len();
        file.consume(length);
    }
}

/// How many entries of a list a page shows.
pub const PAGE: usize = 50;

/// Writes a list, and where each of its pages begins.
pub struct ListWriter {
    rows: BufWriter<File>,
    index: BufWriter<File>,
    count: usize,
    at: u64,
}

impl ListWriter {
    pub fn push<T: Serialize>(&mut self, entry: &T) -> io::Result<()> {
        if self.count.is_multiple_of(PAGE) {
            self.index.write_all(&self.at.to_le_bytes())?;
        }
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.at += line.len() as u64;
        self.count += 1;
        self.rows.write_all(&line)
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.rows.flush()?;
        self.index.flush()
    }
}

/// Writes values one behind the other, in a form that only this program reads.
pub struct SpoolWriter {
    file: BufWriter<File>,
    buffer: Vec<u8>,
}

impl SpoolWriter {
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(1 << 16, File::create(path)?), buffer: Vec::new() })
    }

    pub fn push<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        self.buffer = postcard::to_extend(value, buffer).map_err(io::Error::other)?;
        let length = u32::try_from(self.buffer.len()).map_err(io::Error::other)?;
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(&self.buffer)
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Reads back what a [`SpoolWriter`] wrote.
pub struct Spool<T> {
    file: BufReader<File>,
    buffer: Vec<u8>,
    of: PhantomData<T>,
}

impl<T> Spool<T> {
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufReader::with_capacity(1 << 16, File::open(path)?), buffer: Vec::new(), of: PhantomData })
    }
}

impl<T: DeserializeOwned> Iterator for Spool<T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut length = [0; 4];
        match self.file.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
            Err(error) => return Some(Err(error)),
            Ok(()) => {}
        }
        self.buffer.resize(u32::from_le_bytes(length) as usize, 0);
        if let Err(error) = self.file.read_exact(&mut self.buffer) {
            return Some(Err(error));
        }
        Some(postcard::from_bytes(&self.buffer).map_err(io::Error::other))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn an_upload_that_came_to_no_end_goes_when_it_is_old() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::of(home.path(), ImportId(1));
        folder.create().unwrap();
        let upload = home.path().join("imports/.tmp1");
        std::fs::write(&upload, "half").unwrap();
        let written = DateTime::<Utc>::from(upload.metadata().unwrap().modified().unwrap()).naive_utc();
        sweep_uploads(home.path(), written - TimeDelta::seconds(1)).unwrap();
        assert!(upload.exists());
        sweep_uploads(home.path(), written + TimeDelta::seconds(1)).unwrap();
        assert!(!upload.exists() && home.path().join("imports/1").exists());
        sweep_uploads(&home.path().join("nowhere"), written).unwrap();
    }

    #[test]
    fn a_list_is_read_page_by_page_and_a_spool_from_its_beginning() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::of(home.path(), ImportId(1));
        folder.create().unwrap();
        let mut list = folder.list_writer(List::Refused).unwrap();
        let mut spool = SpoolWriter::create(&folder.lines()).unwrap();
        for number in 0..120_u32 {
            list.push(&format!("dòng\n{number}")).unwrap();
            spool.push(&(number, "dòng")).unwrap();
        }
        list.finish().unwrap();
        spool.finish().unwrap();
        let page = |number| folder.page::<String>(List::Refused, number).unwrap();
        assert_eq!((page(0).len(), page(2).len(), page(3).len()), (50, 20, 0));
        assert_eq!(page(1)[0], "dòng\n50");
        assert_eq!(folder.page::<String>(List::Changed, 0).unwrap().len(), 0);
        let read: Vec<(u32, String)> = Spool::open(&folder.lines()).unwrap().map(Result::unwrap).collect();
        assert_eq!((read.len(), read[119].0), (120, 119));
        folder.remove().unwrap();
        folder.remove().unwrap();
    }
}
