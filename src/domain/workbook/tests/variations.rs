//! One list laid out in many ways gives the same people, refusals and warnings.

use unicode_normalization::UnicodeNormalization;

use super::super::cells::repaired;
use super::super::legacy::tests::{to_tcvn3, to_vni, to_windows_1258};
use super::*;

/// The officer's list of the samples; without quotes and empty last lines.
fn sample() -> Vec<Vec<String>> {
    let text = include_str!("../../../../tests/samples/d_officer_list.csv");
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    for c in text.trim_start_matches('\u{FEFF}').chars() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => rows.last_mut().unwrap().push(String::new()),
            '\n' if !quoted => rows.push(vec![String::new()]),
            '\r' => {}
            c => rows.last_mut().unwrap().last_mut().unwrap().push(c),
        }
    }
    rows.retain(|row| row.len() > 1);
    rows
}

/// Other labels of the sample's columns.
const LABELS: [&[&str]; 12] = [
    &["STT", "TT", "Số TT", ""],
    &["Mã số BHXH", "MasoBHXH", "MA_SO_BHXH", "Mã BHXH", "MÃ SỐ\nBHXH (*)", "Số BHXH", "Mã số BHXH/ĐDCN"],
    &["Họ tên", "HỌ VÀ TÊN", "Họ tên  thành viên\n", "HOTEN_THANHVIEN", "Họ và tên người tham gia", "Họ, chữ đệm, tên"],
    &["Ngày sinh", "NgaySinh", "Ngày tháng năm sinh", "Ngày, tháng, năm sinh (hoặc năm)", "NGAY_SINH", "NTNS"],
    &["Giới tính", "GioiTinh", "Phái", "Nam/Nữ", "GIỚI\u{A0}TÍNH"],
    &["CMND", "Số CCCD", "Số CMND/CCCD/Hộ chiếu", "Số định danh", "Số CMND/ CCCD/\nHộ chiếu", "Căn cước công dân"],
    &["Điện thoại", "SĐT", "Số điện thoại", "Di động", "ĐT liên hệ", "Phone"],
    &["Địa chỉ", "Địa chỉ liên hệ", "Nơi ở hiện nay"],
    &["Mã số hộ gia đình", "MA_HO_GD", "Mã hộ", "Mã số hộ", "Maso_HoGiadinh"],
    &["Mối quan hệ", "Quan hệ với chủ hộ", "QUANHE_VOI_CHUHO", "Mã quan hệ", "MQH"],
    &["Email", "Thư điện tử", "E-mail"],
    &["Ghi chú", "GHI_CHU", "Ký nhận"],
];

/// Small, known, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for at in (1..count).rev() {
            order.swap(at, self.below(at + 1));
        }
        order
    }
}

type Table = Vec<Vec<Cell>>;
type Encode = fn(&str) -> String;

/// What of a list must be the same in every layout.
fn essence(read: &Outcome) -> (Vec<String>, Vec<String>, Vec<String>) {
    let value = |record: &(u32, Values), field: Field| record.1.get(field).unwrap_or("-").to_lowercase();
    let records = read
        .records
        .iter()
        .map(|record| Field::ALL.iter().map(|field| value(record, *field)).collect::<Vec<_>>().join("|"));
    let refused = read.refused.iter().map(|row| format!("{} {}", row.class.code(), row.field.code()));
    let warnings = read.warnings.iter().map(|row| format!("{} {}", row.class.code(), row.field.code()));
    (records.collect(), refused.collect(), warnings.collect())
}

fn read(bytes: Bytes, sheets: &[(Table, Vec<Span>)]) -> Outcome {
    let mut given = list(Kind::Registry, "");
    given.bytes = bytes;
    given.sheets.clear();
    given.read_tables(sheets)
}

/// A whole number or a date may be kept as one.
fn retyped(dice: &mut Dice, column: usize, text: &str) -> Cell {
    let day = NaiveDate::parse_from_str(text, "%d/%m/%Y").ok();
    match (column, day) {
        (3, Some(day)) if text.len() == 10 && dice.below(2) == 0 => Cell::Date(day.and_hms_opt(0, 0, 0).unwrap()),
        (3, Some(day)) if text.len() == 10 && dice.below(3) == 0 => Cell::Text(day.format("%Y%m%d").to_string()),
        (1 | 5 | 6 | 8, _) if text.len() >= 9 && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()) => {
            if dice.below(2) == 0 {
                Cell::Number(text.parse().unwrap())
            } else {
                Cell::Text(format!("{text}.0"))
            }
        }
        _ => Cell::Text(text.to_owned()),
    }
}

/// Lays the people out anew; `encode` is how texts are written.
fn lay_out(dice: &mut Dice, people: &[Vec<String>], encode: Encode, split: bool, types: bool) -> (Table, Vec<Span>) {
    let order = dice.shuffled(12);
    let labels: Vec<&str> = LABELS.iter().map(|known| known[dice.below(known.len())]).collect();
    let text = |text: &str| if text.is_empty() { Cell::Empty } else { Cell::Text(encode(text)) };
    let mut table: Table = Vec::new();
    let mut spans = Vec::new();
    for _ in 0..dice.below(4) {
        table.push(vec![text("DANH SÁCH NGƯỜI THAM GIA BẢO HIỂM XÃ HỘI")]);
    }
    let levels = dice.below(3) == 0;
    let mut header = Vec::new();
    for at in &order {
        match (*at, split) {
            (2, true) => header.extend([text("Họ và tên đệm"), text("Tên")]),
            (at, _) => header.push(text(labels[at])),
        }
    }
    if levels {
        // Groups of columns under one heading, and single columns merged downwards.
        let row = u32::try_from(table.len()).unwrap() + 1;
        table.push(vec![]);
        let mut top = vec![Cell::Empty; header.len()];
        let mut at = 0;
        while at < header.len() {
            let width = 1 + dice.below(3).min(header.len() - at - 1);
            let (first, last) = (u16::try_from(at).unwrap(), u16::try_from(at + width - 1).unwrap());
            let span = |first_row, last_row| Span { first_row, last_row, first_column: first, last_column: last };
            if width == 1 {
                top[at] = std::mem::take(&mut header[at]);
                spans.push(span(row, row + 1));
            } else {
                top[at] = text("Thông tin");
                spans.push(span(row, row));
            }
            at += width;
        }
        *table.last_mut().unwrap() = top;
    }
    table.push(header.clone());
    if dice.below(2) == 0 {
        table.push((1..=header.len()).map(|number| Cell::Text(format!("({number})"))).collect());
    }
    for (number, person) in people.iter().enumerate() {
        let mut row = Vec::new();
        for at in &order {
            let value = person.get(*at).map_or("", String::as_str);
            match (*at, split) {
                (2, true) => {
                    let (front, back) = value.trim().rsplit_once(char::is_whitespace).unwrap_or(("", value));
                    row.extend([text(front), text(back)]);
                }
                (at, _) if types => row.push(match retyped(dice, at, value) {
                    Cell::Text(value) => text(&value),
                    cell => cell,
                }),
                (_, _) => row.push(text(value)),
            }
        }
        table.push(row);
        match dice.below(12) {
            0 => table.push(vec![Cell::Empty, Cell::Text(" ".into())]),
            1 => table.push(vec![text("Tổ dân phố số 3")]),
            2 if !levels && number > 2 => table.push(header.clone()),
            _ => {}
        }
    }
    table.push(vec![text("Tổng cộng"), text("55"), text("55"), text("55")]);
    table.push(vec![Cell::Empty, text("Người lập biểu")]);
    (table, spans)
}

#[test]
fn the_same_list_in_many_layouts_gives_the_same() {
    let rows = sample();
    let people = &rows[1..];
    let plain: Table = rows.iter().map(|row| row.iter().map(|text| Cell::Text(text.clone())).collect()).collect();
    let expected = essence(&read(Bytes::Utf8, &[(plain, Vec::new())]));
    assert_eq!((expected.0.len(), expected.1.len(), expected.2.len()), (40, 15, 11));
    for seed in 0..200 {
        let dice = &mut Dice(seed);
        let nfd = |text: &str| text.nfd().collect::<String>();
        let encode: Encode = if seed % 2 == 0 { str::to_owned } else { nfd };
        let (split, types) = (seed % 3 == 0, seed % 5 < 3);
        // Rows of one list can go on in a second sheet with other columns.
        let cut = if seed % 4 == 0 { dice.below(people.len()) } else { people.len() };
        let mut sheets = vec![lay_out(dice, &people[..cut], encode, split, types)];
        if cut < people.len() {
            sheets.push(lay_out(dice, &people[cut..], encode, !split, types));
        }
        let found = read(Bytes::Workbook, &sheets);
        assert_eq!(found.encoding, None, "seed {seed}");
        assert_eq!(essence(&found), expected, "seed {seed}: {} {:#?}", found.columns(), &sheets[0].0[..6]);
    }
}

#[test]
fn the_same_list_in_old_encodings_gives_the_same() {
    let rows = sample();
    let people: Vec<Vec<String>> =
        rows[1..].iter().map(|row| row.iter().map(|text| repaired(text).into_owned()).collect()).collect();
    let plain: Table = rows.iter().map(|row| row.iter().map(|text| Cell::Text(text.clone())).collect()).collect();
    let expected = essence(&read(Bytes::Utf8, &[(plain, Vec::new())]));
    let ways: [(Bytes, Encode, Encoding); 5] = [
        (Bytes::Workbook, to_tcvn3, Encoding::Tcvn3),
        (Bytes::Workbook, to_vni, Encoding::Vni),
        (Bytes::Single, to_tcvn3, Encoding::Tcvn3),
        (Bytes::Single, to_vni, Encoding::Vni),
        (Bytes::Single, to_windows_1258, Encoding::Windows1258),
    ];
    for seed in 0..100 {
        let (bytes, encode, encoding) = ways[seed as usize % ways.len()];
        let dice = &mut Dice(seed + 7);
        let sheets = [lay_out(dice, &people, encode, seed % 3 == 0, false)];
        let found = read(bytes, &sheets);
        assert_eq!(found.encoding, Some(encoding), "seed {seed}");
        assert_eq!(essence(&found), expected, "seed {seed} {encoding:?}: {}", found.columns());
    }
}
