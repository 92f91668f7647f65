//! What words an admin may give a text, and what they look like when they leave. Page, preview and saving ask here.

use super::super::declaration::Faults;
use super::super::message::{Email, PARTS_MAX, asks_for_secret, has_link, segments, sms_text};
use super::super::outbox::MessageChannel;
use super::super::text::{self, FieldError};
use super::{Piece, Place, TextKey, Words, fill_mail, fill_sms, pieces};

/// The longest that can be typed, in characters.
pub const SMS_MAX: usize = 480;
pub const SUBJECT_MAX: usize = 150;
pub const MAIL_MAX: usize = 3000;

/// A character that a text message cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    pub character: char,
    /// What it is without diacritics; empty when nothing is left of it.
    pub becomes: String,
    /// Whether one alone makes the message UCS-2. The others are in GSM-7 but are diacritics.
    pub forces_ucs2: bool,
}

/// How a text looks with sample data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaving {
    Sms(String),
    Mail(Email),
}

/// Words with all that is to be said of them.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Tidied; they may be kept when nothing is wrong.
    pub words: Words,
    pub faults: Faults,
    pub foreign: Vec<Foreign>,
    pub leaving: Leaving,
}

impl Checked {
    pub fn of(key: TextKey, subject: &str, body: &str) -> Self {
        let mut faults = Faults::new();
        let words = match key.channel() {
            MessageChannel::Sms => {
                let body = tidy(&mut faults, "body", body, |raw| text::line(raw, SMS_MAX));
                Words { subject: None, body }
            }
            MessageChannel::Email => Words {
                subject: Some(tidy(&mut faults, "subject", subject, |raw| text::line(raw, SUBJECT_MAX))),
                body: tidy(&mut faults, "body", body, |raw| Ok(text::paragraph(raw, MAIL_MAX)?.map(apart))),
            },
        };
        let places = key.places();
        let missing = places.iter().filter(|place| !words.body.contains(&place.in_text()));
        faults.extend(missing.map(|place| ("body", FieldError::new(format!("Thiếu ô {}.", place.in_text())))));
        faults.extend(wrong_places(&words.body, &places).into_iter().map(|fault| ("body", fault)));
        if let Some(subject) = &words.subject {
            // A subject is not filled in again at the moment of sending, and is read over shoulders.
            let shown: Vec<Place> = places.iter().copied().filter(|place| !place.is_secret()).collect();
            faults.extend(wrong_places(subject, &shown).into_iter().map(|fault| ("subject", fault)));
        }
        let samples: Vec<(Place, &str)> = Place::ALL.iter().map(|place| (*place, place.sample())).collect();
        let (leaving, foreign) = match words.subject {
            None => (Leaving::Sms(fill_sms(&words.body, &samples)), foreign(&words.body)),
            Some(_) => (Leaving::Mail(fill_mail(&words, &samples)), Vec::new()),
        };
        if !foreign.is_empty() {
            let sentence = "Tin nhắn gửi không dấu, nhưng có chữ có dấu hoặc ký tự lạ. Bấm «Bỏ dấu» để đổi.";
            faults.push(("body", FieldError::new(sentence)));
        }
        if let Leaving::Sms(text) = &leaving
            && foreign.is_empty()
            && segments(text).parts > PARTS_MAX
        {
            faults.push(("body", FieldError::new(format!("Dài hơn {PARTS_MAX} tin với dữ liệu mẫu. Hãy rút ngắn."))));
        }
        let mut said = vec![("body", words.body.as_str())];
        said.extend(words.subject.as_deref().map(|subject| ("subject", subject)));
        for (field, text) in said {
            let as_read = fill_sms(text, &samples);
            faults.extend(forbidden(&as_read).into_iter().map(|fault| (field, fault)));
        }
        Self { words, faults, foreign, leaving }
    }
}

/// What no text to a citizen may hold (the guide, section 7): the agency warns the public about both.
pub fn forbidden(text: &str) -> Vec<FieldError> {
    let mut faults = Vec::new();
    if has_link(text) {
        faults.push(FieldError::new(
            "Không được có liên kết hay địa chỉ trang web, vì tin nhắn của BHXH không bao giờ có liên kết. Sau dấu chấm cần có dấu cách.",
        ));
    }
    if asks_for_secret(text) {
        faults.push(FieldError::new(
            "Không được yêu cầu người dân cung cấp, gửi hay nhập mật khẩu, mã OTP: BHXH luôn cảnh báo về những tin như vậy.",
        ));
    }
    faults
}

fn tidy(
    faults: &mut Faults,
    field: &'static str,
    raw: &str,
    read: impl Fn(&str) -> Result<Option<String>, FieldError>,
) -> String {
    let fault = match read(raw) {
        Ok(Some(text)) => return text,
        Ok(None) => FieldError::new("Bắt buộc nhập."),
        Err(fault) => fault,
    };
    faults.push((field, fault));
    raw.to_owned()
}

/// Paragraphs with exactly one empty line between.
fn apart(text: String) -> String {
    text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn wrong_places(text: &str, allowed: &[Place]) -> Vec<FieldError> {
    let fault = |piece: Piece<'_>| match piece {
        Piece::Words(words) if words.contains(['{', '}']) => {
            Some("Dấu { và } chỉ dùng để viết ô điền; mỗi ô cần đủ hai dấu, ví dụ {so}.".to_owned())
        }
        Piece::Name(name) if !allowed.iter().any(|place| place.code() == name) => {
            Some(format!("Không dùng được ô {{{name}}} ở đây."))
        }
        Piece::Words(_) | Piece::Name(_) => None,
    };
    pieces(text).into_iter().filter_map(fault).map(FieldError::new).collect()
}

/// What [`sms_text`] would change, each character once.
fn foreign(text: &str) -> Vec<Foreign> {
    let mut found: Vec<Foreign> = Vec::new();
    for character in text.chars().filter(|c| *c != ' ') {
        let alone = character.to_string();
        let becomes = sms_text(&alone);
        if becomes != alone && !found.iter().any(|known| known.character == character) {
            found.push(Foreign { character, becomes, forces_ucs2: segments(&alone).ucs2 });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::super::message::{REASON_MAX, parse_reason};
    use super::super::Texts;
    use super::*;
    use proptest::prelude::*;

    fn faults(key: TextKey, subject: &str, body: &str) -> Vec<String> {
        Checked::of(key, subject, body).faults.into_iter().map(|(field, fault)| format!("{field}: {fault}")).collect()
    }

    #[test]
    fn the_programs_own_words_pass_their_own_check() {
        for key in TextKey::ALL {
            let own = key.own();
            let checked = Checked::of(*key, own.subject.as_deref().unwrap_or_default(), &own.body);
            assert!(checked.faults.is_empty(), "{key:?}: {:?}", checked.faults);
            assert_eq!(checked.words, own, "{key:?} is tidy");
            match checked.leaving {
                Leaving::Sms(text) => {
                    assert!(text.starts_with("BHXH VN: ") && segments(&text).parts <= 2, "{text}");
                    assert!(!text.contains('{'), "{text}");
                }
                Leaving::Mail(mail) => assert!(!mail.text.contains('{') && !mail.subject.contains('{'), "{mail:?}"),
            }
        }
    }

    #[test]
    fn what_must_be_told_stays_and_what_is_unknown_is_refused() {
        let approved = |body: &str| faults(TextKey::Approved, "", body);
        assert_eq!(approved("So {so}, {tai_khoan}, {mat_khau}"), Vec::<String>::new());
        assert_eq!(approved("So {so}, {tai_khoan}"), ["body: Thiếu ô {mat_khau}."]);
        assert_eq!(approved("{so} {tai_khoan} {mat_khau} {ten}"), ["body: Không dùng được ô {ten} ở đây."]);
        assert!(approved("{so} {tai_khoan} {mat_khau} {so")[0].contains("đủ hai dấu"));
        assert!(approved("{so} {tai_khoan} {mat_khau} }")[0].contains("đủ hai dấu"));
        assert_eq!(
            approved(" "),
            ["body: Bắt buộc nhập.", "body: Thiếu ô {so}.", "body: Thiếu ô {tai_khoan}.", "body: Thiếu ô {mat_khau}."]
        );
    }

    #[test]
    fn a_secret_has_its_own_texts_only_and_no_subject() {
        for key in TextKey::ALL {
            let own = key.own();
            for secret in [Place::Password, Place::Otp].iter().filter(|place| !key.places().contains(place)) {
                let body = format!("{} {}", own.body, secret.in_text());
                let found = faults(*key, own.subject.as_deref().unwrap_or_default(), &body);
                assert_eq!(found, [format!("body: Không dùng được ô {} ở đây.", secret.in_text())], "{key:?}");
            }
            if own.subject.is_some() {
                let found = faults(*key, "{mat_khau}", &own.body);
                assert_eq!(found, ["subject: Không dùng được ô {mat_khau} ở đây."], "{key:?}");
            }
        }
    }

    #[test]
    fn a_text_message_has_no_accent_and_it_is_shown_what_would_come_of_each() {
        let checked = Checked::of(TextKey::Unlocked, "", "Tài khoản {tai_khoan} mở… à");
        let shown: Vec<(char, &str, bool)> =
            checked.foreign.iter().map(|f| (f.character, f.becomes.as_str(), f.forces_ucs2)).collect();
        assert_eq!(shown, [('à', "a", false), ('ả', "a", true), ('ở', "o", true), ('…', "...", true)]);
        assert!(checked.faults[0].1.0.contains("Bỏ dấu"));
        let folded = sms_text(&checked.words.body);
        assert_eq!(faults(TextKey::Unlocked, "", &folded), Vec::<String>::new());
        assert_eq!(faults(TextKey::UnlockedMail, "Mở khóa", "Tài khoản {tai_khoan}"), Vec::<String>::new());
    }

    #[test]
    fn links_requests_and_long_messages_are_refused() {
        let unlocked = |words: &str| faults(TextKey::Unlocked, "", &format!("{words} {{tai_khoan}}"));
        assert!(unlocked("Xem baohiemxahoi.gov.vn")[0].contains("liên kết"));
        assert!(unlocked("Gui ma OTP cho can bo.")[0].contains("OTP"));
        assert!(unlocked(&"a".repeat(447))[0].contains("Dài hơn 3 tin"));
        assert_eq!(unlocked(&"a".repeat(446)), Vec::<String>::new());
        let mail = faults(TextKey::UnlockedMail, "Xem www.x", "{tai_khoan}\nhttps://a.vn\nNhập mật khẩu tại đây");
        assert_eq!(mail.iter().filter(|fault| fault.starts_with("body")).count(), 2, "{mail:?}");
        assert_eq!(mail.iter().filter(|fault| fault.starts_with("subject")).count(), 1, "{mail:?}");
    }

    #[test]
    fn a_value_is_filled_in_once_and_braces_in_it_stay() {
        let text =
            Texts::default().sms(TextKey::Rejected, &[(Place::Number, "1"), (Place::Reason, "thiếu {so} {ly_do}")]);
        assert!(text.contains("Ly do: thieu {so} {ly_do}. Lien he"), "{text}");
        let text = Texts::default().sms(TextKey::Approved, &[(Place::Number, "1"), (Place::Account, "2")]);
        assert!(text.contains("Tai khoan: 2/Mat khau: {mat_khau}."), "{text}");
    }

    proptest! {
        #[test]
        fn whatever_reason_is_typed_what_leaves_by_any_accepted_text_is_gsm_7(
            words in "[ -~à-ỹ]{0,60}",
            reason in "\\PC{0,80}",
        ) {
            let checked = Checked::of(TextKey::Locked, "", &format!("{words} {{tai_khoan}} {{ly_do}}"));
            if checked.faults.is_empty() {
                let texts: Texts = [(TextKey::Locked, checked.words)].into_iter().collect();
                let sms = texts.sms(TextKey::Locked, &[(Place::Account, "001099012345"), (Place::Reason, &reason)]);
                prop_assert!(!segments(&sms).ucs2, "{}", sms);
                if let Ok(reason) = parse_reason(&reason, Some((&texts, TextKey::Locked))) {
                    prop_assert!(reason.chars().count() <= REASON_MAX);
                    let sms = texts.sms(TextKey::Locked, &[(Place::Account, "001099012345"), (Place::Reason, &reason)]);
                    prop_assert!(segments(&sms).parts <= PARTS_MAX && !has_link(&sms), "{}", sms);
                }
            }
        }
    }
}
