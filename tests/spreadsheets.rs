//! Workbooks read in a process of their own: the same as in this one, and whatever a file does to its reader, a sentence.

#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use tnhs::adapters::spreadsheet::{Event, Limits, SpreadsheetError, read, read_apart};

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_tnhs"))
}

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|it| it != "json" && it != "md")).collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn apart_and_here_are_the_same() {
    assert!(samples().len() >= 10);
    for path in samples() {
        let (mut here, mut apart) = (Vec::new(), Vec::new());
        read(&path, &name(&path), &Limits::default(), &mut |event| {
            here.push(format!("{event:?}"));
            ControlFlow::Continue(())
        })
        .unwrap();
        read_apart(program(), &path, &name(&path), &Limits::default(), &mut |event| {
            apart.push(format!("{event:?}"));
            ControlFlow::Continue(())
        })
        .unwrap();
        assert!(here.len() > 2);
        assert_eq!(here, apart, "{}", path.display());
    }
}

#[test]
fn a_program_that_is_not_there_is_no_fault_of_the_file() {
    let nothing = Path::new("/nonexistent/tnhs");
    let result = read_apart(nothing, &samples()[0], "x", &Limits::default(), &mut |_: Event| ControlFlow::Continue(()));
    assert!(matches!(result, Err(SpreadsheetError::Io(_))));
}
