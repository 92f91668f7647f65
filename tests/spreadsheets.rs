//! Workbooks read in a process of their own: the same as in this one, and whatever a file does to its reader, a sentence.

#![allow(clippy::unwrap_used)]

use std::io::{Cursor, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tnhs::adapters::spreadsheet::{Event, Limits, SpreadsheetError, read, read_apart, reader};
use tnhs::domain::workbook::FileFault;
use zip::write::SimpleFileOptions;

/// Processes and memory are counted: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

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

fn lock() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn apart_and_here_are_the_same() {
    let _alone = lock();
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
    // Between its fork and its exec a child holds what this process has open: a script that another test is writing.
    let _alone = lock();
    let nothing = Path::new("/nonexistent/tnhs");
    let result = read_apart(nothing, &samples()[0], "x", &Limits::default(), &mut |_: Event| ControlFlow::Continue(()));
    assert!(matches!(result, Err(SpreadsheetError::Io(_))));
}

/// The processes that this one started and that are not gone yet.
fn children() -> Vec<u32> {
    let own = std::process::id().to_string();
    let is_child = |id: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)) == Some(&own)
    };
    let ids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    ids.filter(is_child).collect()
}

/// Before a process becomes another program it shows the memory of this one.
fn is_reader(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim() == "tnhs")
}

/// In kilobytes: `VmRSS` or `VmHWM` (the most so far).
fn memory(process: &str, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// What came of a file, and by how many kilobytes the memory of both processes grew.
fn read_and_watch(path: &Path) -> (Result<usize, FileFault>, u64) {
    let (before, done) = (memory("self", "VmRSS"), AtomicBool::new(false));
    let mut events = 0;
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let (mut own, mut child) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                own = own.max(memory("self", "VmRSS").saturating_sub(before));
                let of_child = |id: &u32| memory(&id.to_string(), "VmHWM");
                child = children().iter().filter(|id| is_reader(**id)).map(of_child).fold(child, u64::max);
                std::thread::sleep(Duration::from_millis(2));
            }
            own + child
        });
        let result = read_apart(program(), path, "x.xls", &Limits::default(), &mut |_| {
            events += 1;
            ControlFlow::Continue(())
        });
        done.store(true, Ordering::Relaxed);
        let result = match result {
            Ok(()) => Ok(events),
            Err(SpreadsheetError::Refused(fault)) => Err(fault),
            Err(error) => panic!("{error}"),
        };
        (result, watch.join().unwrap())
    })
}

/// How much is put into a part that packs well, and how long an answer may take. Without optimisation reading takes twenty
/// times as long.
const PART: usize = if cfg!(debug_assertions) { 2 << 20 } else { 31 << 20 };
const AT_ONCE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 8 } else { 2 });

fn filled(begin: &str, piece: &str, end: &str) -> Vec<u8> {
    [begin, &piece.repeat(PART / piece.len()), end].concat().into_bytes()
}

fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(*name, SimpleFileOptions::default().compression_level(Some(1))).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn xlsx(sheet: &[u8], more: &[(&str, &[u8])]) -> Vec<u8> {
    let relation = |kind: &str, target: &str| {
        format!(
            r#"<Relationships><Relationship Id="r1" Type="x/relationships/{kind}" Target="{target}"/></Relationships>"#
        )
    };
    let (root, relations) = (relation("officeDocument", "xl/workbook.xml"), relation("worksheet", "sheet.xml"));
    let workbook = br#"<workbook><sheets><sheet name="a" r:id="r1"/></sheets></workbook>"#;
    let mut parts = vec![
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", workbook),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/sheet.xml", sheet),
    ];
    parts.extend(more);
    packed(&parts)
}

fn hostile_files() -> Vec<(&'static str, Vec<u8>)> {
    let sheet = b"<worksheet><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>";
    let corners = b"<worksheet><sheetData><row r='1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r='XFD1048576'><v>1</v></c></row></sheetData></worksheet>";
    let ods = |rows: &str| {
        let content = format!(
            "<office:document-content><office:spreadsheet><table:table>{rows}</table:table></office:spreadsheet></office:document-content>"
        );
        packed(&[("content.xml", content.as_bytes())])
    };
    let repeated = "<table:table-row table:number-rows-repeated='1048576'><table:table-cell office:value-type='float' office:value='1' table:number-columns-repeated='16384'/></table:table-row>";
    vec![
        ("corners", xlsx(corners, &[])),
        ("bomb", packed(&[("xl/workbook.xml", &vec![b' '; 200 << 20])])),
        ("claimed texts", xlsx(sheet, &[("xl/sharedStrings.xml", b"<sst uniqueCount='99999999999'/>")])),
        ("empty texts", xlsx(sheet, &[("xl/sharedStrings.xml", &filled("<sst>", "<si/>", "</sst>"))])),
        ("texts", xlsx(sheet, &[("xl/sharedStrings.xml", &filled("<sst>", "<si><t>abcdefgh</t></si>", "</sst>"))])),
        ("one text", xlsx(sheet, &[("xl/sharedStrings.xml", &filled("<sst><si><t>", "a", "</t></si></sst>"))])),
        (
            "styles",
            xlsx(sheet, &[("xl/styles.xml", &filled("<styleSheet><cellXfs>", "<xf/>", "</cellXfs></styleSheet>"))]),
        ),
        ("cells", xlsx(&filled("<worksheet><sheetData><row>", "<c/>", "</row></sheetData></worksheet>"), &[])),
        ("depth", xlsx(&filled("<worksheet>", "<a>", ""), &[])),
        ("attribute", xlsx(&filled("<worksheet a='", "a", "'/>"), &[])),
        ("merged", xlsx(&filled("<worksheet><sheetData/>", "<mergeCell ref='A1:B2'/>", "</worksheet>"), &[])),
        ("repeated rows", ods(repeated)),
        ("wide table", b"<table><tr><td colspan=1000000000 rowspan=1000000000>a".to_vec()),
        ("open tables", filled("", "<table><tr><td rowspan=9 colspan=9>", "")),
        ("one line", filled("", "a", "")),
        ("quotes", filled("", "\"x;", "")),
        ("delimiters", filled("a;b\n", ";", "")),
        ("tag", filled("<table><td ", "a", "")),
    ]
}

#[test]
fn hostile_files_are_answered_at_once_and_in_little_memory() {
    let _alone = lock();
    let file = tempfile::NamedTempFile::new().unwrap();
    for (what, content) in hostile_files() {
        std::fs::write(file.path(), &content).unwrap();
        drop(content);
        let start = Instant::now();
        let (result, kilobytes) = read_and_watch(file.path());
        let took = start.elapsed();
        println!("{what}: {result:?}, {took:?}, {} MB", kilobytes / 1024);
        assert!(took < AT_ONCE, "{what}: {took:?}");
        assert!(kilobytes < 150 * 1024, "{what}: {kilobytes} kB");
    }
    assert!(children().is_empty());
}

/// A program in place of ours.
fn script(folder: &Path, body: &str) -> PathBuf {
    let path = folder.join("reader");
    std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

#[test]
fn a_reader_that_dies_is_answered_with_a_sentence() {
    let _alone = lock();
    let folder = tempfile::tempdir().unwrap();
    for (body, expected) in [
        ("kill -ABRT $$", FileFault::TooLarge),
        ("kill -SEGV $$", FileFault::TooLarge),
        ("kill -XCPU $$", FileFault::TooLarge),
        ("exit 101", FileFault::NotASpreadsheet),
        ("printf '\\003\\377\\000'; kill -KILL $$", FileFault::TooLarge),
        ("printf '\\003\\377\\377\\377\\377'", FileFault::NotASpreadsheet),
        ("printf '\\011\\000\\000\\000\\000'; sleep 100", FileFault::NotASpreadsheet),
    ] {
        let program = script(folder.path(), body);
        let result = read_apart(&program, &samples()[0], "x", &Limits::default(), &mut |_| ControlFlow::Continue(()));
        assert!(matches!(result, Err(SpreadsheetError::Refused(fault)) if fault == expected), "{body}: {result:?}");
        assert!(children().is_empty(), "{body}");
    }
}

fn long_list() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "0123456789;Lê An;12/05/1990;Nam\n".repeat(200_000)).unwrap();
    file
}

#[test]
fn nothing_is_left_of_a_reader_that_is_broken_off() {
    let _alone = lock();
    let file = long_list();
    let mut rows = 0;
    let result = read_apart(program(), file.path(), "x.csv", &Limits::default(), &mut |event| {
        if let Event::Row { .. } = event {
            rows += 1;
        }
        if rows == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(result.is_ok() && rows == 3);
    assert!(children().is_empty());
    let panicked = std::panic::catch_unwind(|| {
        let _ = read_apart(program(), file.path(), "x", &Limits::default(), &mut |_| std::panic::panic_any("stop"));
    });
    assert!(panicked.is_err() && children().is_empty());
}

#[test]
fn a_reader_whom_nobody_listens_to_ends() {
    let _alone = lock();
    let file = long_list();
    let mut child = reader(program(), file.path(), &Limits::default()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 100]).unwrap();
    drop(output);
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(5));
    }
}
