//! The words that citizens receive, and how long a text message is.
//!
//! Text messages leave without diacritics, in GSM-7, with no link and no request for a one-time password (domain guide,
//! section 7): the agency warns the public about both.

use askama::Template;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::text::{self, FieldError};
use super::texts::{Place, TextKey, Texts, forbidden};

/// Where the password goes; it is filled in at the moment of sending and stored nowhere.
pub const PASSWORD_PLACEHOLDER: &str = "{mat_khau}";

/// The longest reason for a rejection.
pub const REASON_MAX: usize = 300;

/// How many parts a text message may have.
pub const PARTS_MAX: usize = 3;

/// The reasons that are offered; the officer may write another.
pub const REASONS: &[&str] = &[
    "Thông tin kê khai không khớp với giấy tờ tùy thân",
    "Ảnh chân dung không rõ mặt hoặc không đúng người",
    "Ảnh giấy tờ tùy thân bị mờ hoặc thiếu mặt",
    "Tờ khai chưa có chữ ký của người đăng ký",
    "Mã số BHXH kê khai không đúng",
    "Số điện thoại kê khai không liên lạc được",
];

pub fn approved(texts: &Texts, number: &str, account: &str, password: &str) -> String {
    let values = [(Place::Number, number), (Place::Account, account), (Place::Password, password)];
    texts.sms(TextKey::Approved, &values)
}

pub fn rejected(texts: &Texts, number: &str, reason: &str) -> String {
    texts.sms(TextKey::Rejected, &[(Place::Number, number), (Place::Reason, reason)])
}

/// A mail, with the same words as text and as HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    pub subject: String,
    pub text: String,
    pub html: String,
}

#[derive(Template)]
#[template(path = "messages/mail.html")]
struct Html<'a> {
    subject: &'a str,
    paragraphs: &'a [String],
}

const FOOT: &str = "Thư này được gửi tự động, vui lòng không trả lời. Cần hỗ trợ, hãy gọi 19009068 hoặc đến cơ quan BHXH gần nhất. \
     Cơ quan BHXH không bao giờ hỏi mật khẩu hay mã OTP của Ông/Bà.";

pub(super) fn mail(subject: String, body: &[String]) -> Email {
    let mut paragraphs = vec!["Kính gửi Ông/Bà,".to_owned()];
    paragraphs.extend_from_slice(body);
    paragraphs.push("Trân trọng,\nBảo hiểm xã hội Việt Nam".into());
    paragraphs.push(FOOT.into());
    letter(subject, &paragraphs)
}

/// These paragraphs as text and as HTML.
pub(super) fn letter(subject: String, paragraphs: &[String]) -> Email {
    let text = paragraphs.join("\n\n");
    let html = Html { subject: &subject, paragraphs }.render().unwrap_or_else(|_| unreachable!());
    Email { subject, text, html }
}

/// The acceptance without the password, which goes by SMS only.
pub fn accepted_email(texts: &Texts, number: &str) -> Email {
    texts.mail(TextKey::AcceptedMail, &[(Place::Number, number)])
}

/// The account and its password: only after the SMS failed for good.
pub fn credentials_email(texts: &Texts, number: &str, account: &str, password: &str) -> Email {
    let values = [(Place::Number, number), (Place::Account, account), (Place::Password, password)];
    texts.mail(TextKey::CredentialsMail, &values)
}

pub fn rejected_email(texts: &Texts, number: &str, reason: &str) -> Email {
    texts.mail(TextKey::RejectedMail, &[(Place::Number, number), (Place::Reason, reason)])
}

/// The reason picked from a list and what was written besides.
pub fn chosen_reason(choice: &str, own: &str) -> String {
    let (choice, own) = (choice.trim(), own.trim());
    match (choice.is_empty(), own.is_empty()) {
        (true, _) => own.to_owned(),
        (false, true) => choice.to_owned(),
        (false, false) => format!("{}. {own}", choice.trim_end_matches('.')),
    }
}

/// The reason an officer gives: one line. `told` is the text message in which the citizen is told it, with the words in force;
/// None when it only enters the history.
///
/// # Errors
/// Nothing typed, nothing left of it without diacritics, more than [`REASON_MAX`] characters, a link, and when it is told a
/// request for a password, or more than [`PARTS_MAX`] parts.
pub fn parse_reason(raw: &str, told: Option<(&Texts, TextKey)>) -> Result<String, FieldError> {
    let lines = raw.replace(['\r', '\n'], " ");
    let Some(reason) = text::line(&lines, REASON_MAX)? else {
        return Err(FieldError::new("Nhập lý do: người đăng ký sẽ nhận được lý do này qua tin nhắn."));
    };
    let folded = sms_text(&reason);
    if !folded.chars().any(char::is_alphanumeric) {
        return Err(FieldError::new("Nhập lý do bằng lời để người đăng ký hiểu cần làm gì."));
    }
    if has_link(&reason) {
        return Err(FieldError::new(
            "Lý do không được có liên kết hay địa chỉ trang web, vì tin nhắn của BHXH không bao giờ có liên kết.",
        ));
    }
    if let Some((texts, key)) = told {
        // As it leaves: a letter without its diacritics may be what makes a link.
        if let Some(fault) = forbidden(&folded).into_iter().next() {
            return Err(fault);
        }
        let long = [
            (Place::Number, "00000.BD/0000/00000"),
            (Place::Account, Place::Account.sample()),
            (Place::Reason, &reason),
        ];
        if segments(&texts.sms(key, &long)).parts > PARTS_MAX {
            return Err(FieldError::new(format!("Tin nhắn với lý do này dài hơn {PARTS_MAX} tin. Hãy rút ngắn.")));
        }
    }
    Ok(reason)
}

/// Whether a text asks its reader for a password or a one-time password: a verb of giving with such a word behind it in the same
/// sentence, unless a word before says not to.
pub fn asks_for_secret(text: &str) -> bool {
    const VERBS: [&str; 12] = [
        "cung cap", "gui", "nhap", "tra loi", "cho biet", "doc", "bao", "dien", "go", "nhan lai", "xac nhan", "chuyen",
    ];
    const SECRETS: [&str; 6] = ["mat khau", "otp", "ma xac thuc", "ma xac nhan", "ma pin", "mat ma"];
    const NOT: [&str; 2] = ["khong", "chua"];
    // How many words may stand between.
    const NEAR: usize = 5;
    let folded = sms_text(&text.replace('\n', ". ")).to_lowercase();
    folded.split(['.', '!', '?', ';']).any(|sentence| {
        let words: Vec<&str> = sentence.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let starts =
            |at: usize, phrase: &str| phrase.split(' ').enumerate().all(|(n, word)| words.get(at + n) == Some(&word));
        (0..words.len()).any(|at| {
            // Đăng nhập is to sign in, nhập sai is what locks an account.
            let is_verb = VERBS.iter().any(|verb| starts(at, verb))
                && !(starts(at, "nhap") && (at > 0 && words[at - 1] == "dang" || starts(at + 1, "sai")));
            is_verb
                && !words[at.saturating_sub(3)..at].iter().any(|word| NOT.contains(word))
                && (at + 1..=at + 1 + NEAR).any(|near| SECRETS.iter().any(|secret| starts(near, secret)))
        })
    })
}

/// Whether a reader's telephone would make a link of something here: an address with a scheme, a path or a known ending, or
/// four numbers with dots between.
pub fn has_link(text: &str) -> bool {
    const ENDINGS: [&str; 28] = [
        "app", "asia", "biz", "cc", "click", "club", "cn", "co", "com", "dev", "gl", "info", "io", "link", "live",
        "ly", "me", "mobi", "net", "online", "org", "ru", "shop", "site", "store", "top", "vip", "xyz",
    ];
    let lower = text.to_lowercase();
    lower.contains("://")
        || lower.contains("www.")
        || lower.split(|c: char| c.is_whitespace() || ",;()«»\"".contains(c)).any(|word| {
            let (host, path) = word.split_once('/').map_or((word, None), |(host, path)| (host, Some(path)));
            let host = host.trim_end_matches(['.', '!', '?', ':']);
            let Some((name, ending)) = host.rsplit_once('.') else {
                return false;
            };
            let is_name = !name.is_empty() && name.is_ascii();
            let numbers = host.split('.').filter(|part| part.parse::<u8>().is_ok()).count();
            let is_ending = ending == "vn" || ENDINGS.contains(&ending) || path.is_some_and(|path| !path.is_empty());
            numbers == 4
                || (is_name && is_ending && ending.len() >= 2 && ending.bytes().all(|b| b.is_ascii_lowercase()))
        })
}

/// The basic GSM-7 alphabet (3GPP TS 23.038, 6.2.1), without the escape.
const GSM7: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Those that take two places.
const GSM7_EXTENDED: &str = "^{}[]~|\\€";

/// A text as it leaves by SMS: without diacritics, in ASCII letters and the signs of GSM-7; what has no place there becomes a
/// space.
pub fn sms_text(raw: &str) -> String {
    let folded: String = raw
        // Also ² to 2, ½ to 1/2, … to three dots.
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| match c {
            '×' => 'x',
            '\u{2044}' => '/',
            'đ' | 'ð' => 'd',
            'Đ' | 'Ð' => 'D',
            '\u{2018}' | '\u{2019}' | '`' | '´' => '\'',
            '“' | '”' | '«' | '»' => '"',

            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            c if c.is_ascii_graphic() && c != '`' => c,
            _ => ' ',
        })
        .collect();
    folded.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What of a text leaves nothing behind in [`sms_text`], each character once.
pub fn lost(raw: &str) -> Vec<char> {
    let mut lost = Vec::new();
    for c in raw.nfc().filter(|c| !c.is_whitespace() && !is_combining_mark(*c)) {
        if sms_text(c.encode_utf8(&mut [0; 4])).is_empty() && !lost.contains(&c) {
            lost.push(c);
        }
    }
    lost
}

/// How a text travels by SMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// Septets in GSM-7, UTF-16 units otherwise.
    pub units: usize,
    pub parts: usize,
    /// Whether a letter outside GSM-7 forced the short parts of UCS-2.
    pub ucs2: bool,
}

impl Segments {
    /// How much fits into a message of one part, and into each of several.
    fn room(ucs2: bool) -> (usize, usize) {
        if ucs2 { (70, 67) } else { (160, 153) }
    }

    /// How many units the last part has left.
    pub fn left(self) -> usize {
        let (single, part) = Self::room(self.ucs2);
        if self.parts == 1 { single - self.units } else { self.parts * part - self.units }
    }
}

pub fn segments(text: &str) -> Segments {
    let ucs2 = !text.chars().all(|c| GSM7.contains(c) || GSM7_EXTENDED.contains(c));
    let units = if ucs2 {
        text.encode_utf16().count()
    } else {
        text.chars().map(|c| if GSM7_EXTENDED.contains(c) { 2 } else { 1 }).sum()
    };
    let (single, part) = Segments::room(ucs2);
    Segments { units, parts: if units <= single { 1 } else { usize::div_ceil(units, part) }, ucs2 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(raw: &str) -> Result<String, FieldError> {
        parse_reason(raw, Some((&Texts::default(), TextKey::Rejected)))
    }

    #[test]
    fn the_texts_are_those_that_were_agreed() {
        insta::assert_snapshot!(approved(&Texts::default(), "03706/2026/07906", "9900000001", "aB3defghijkm"), @"BHXH VN: Ho so 03706/2026/07906 da duoc duyet. Tai khoan: 9900000001/Mat khau: aB3defghijkm. Vui long doi mat khau khi dang nhap lan dau.");
        insta::assert_snapshot!(rejected(&Texts::default(), "03706/2026/07906", "Ảnh chân dung không rõ mặt."), @"BHXH VN: Ho so 03706/2026/07906 khong duoc duyet. Ly do: Anh chan dung khong ro mat. Lien he 19009068 hoac co quan BHXH gan nhat.");
        let mail = rejected_email(&Texts::default(), "03706/2026/07906", "Ảnh <mờ> & tối");
        assert!(mail.text.contains("Lý do: Ảnh <mờ> & tối"));
        assert!(!mail.html.contains("<mờ>") && mail.html.contains("&#60;mờ&#62;"));
    }

    #[test]
    fn the_account_notice_is_one_message() {
        let text = approved(&Texts::default(), "03706/2026/07906", "001099012345", "aB3defghijkm");
        assert_eq!(segments(&text).parts, 1, "{}", text.len());
    }

    #[test]
    fn every_offered_reason_fits_one_message_and_is_accepted() {
        for reason in REASONS {
            assert!(told(reason).is_ok());
            assert!(segments(&rejected(&Texts::default(), "03706/2026/07906", reason)).parts <= 2, "{reason}");
        }
    }

    #[test]
    fn a_text_is_counted_as_the_networks_count_it() {
        let of = |text: &str| {
            let Segments { units, parts, ucs2 } = segments(text);
            (units, parts, ucs2)
        };
        assert_eq!(of(&"a".repeat(160)), (160, 1, false));
        assert_eq!(of(&"a".repeat(161)), (161, 2, false));
        assert_eq!(of(&"a".repeat(307)), (307, 3, false));
        assert_eq!(of("{}€"), (6, 1, false));
        assert_eq!(of(&"ạ".repeat(70)), (70, 1, true));
        assert_eq!(of(&"ạ".repeat(71)), (71, 2, true));
        assert_eq!(of("àèéìòùÉ"), (7, 1, false));
        assert_eq!(of("a\u{300}"), (2, 1, true));
    }

    #[test]
    fn what_is_left_of_the_last_part_is_counted() {
        assert_eq!(segments(&"a".repeat(160)).left(), 0);
        assert_eq!(segments(&"a".repeat(161)).left(), 145);
        assert_eq!(segments("ạ").left(), 69);
        assert_eq!(segments(&"ạ".repeat(71)).left(), 63);
    }

    #[test]
    fn a_request_for_a_secret_is_told_from_a_warning_of_one() {
        for asks in [
            "Vui lòng gửi mã OTP cho cán bộ",
            "Cung cap lai mat khau de xac minh",
            "Nhập mật khẩu mới tại quầy",
            "Hay tra loi tin nay voi ma xac thuc",
            "Ma da gui. Nhap {otp} de tiep tuc",
        ] {
            assert!(asks_for_secret(asks), "{asks}");
        }
        for does_not in [
            "Khong gui ma OTP cho bat ky ai",
            "Tuyệt đối không cung cấp mật khẩu",
            "Vui long doi mat khau khi dang nhap lan dau",
            "Bi khoa vi nhap sai mat khau 5 lan",
            "Mat khau duoc gui bang tin nhan. Ma OTP co hieu luc 5 phut",
        ] {
            assert!(!asks_for_secret(does_not), "{does_not}");
        }
    }

    #[test]
    fn a_reason_has_words_and_no_link() {
        assert_eq!(told(" Ảnh mờ.\r\nChụp lại ").unwrap(), "Ảnh mờ. Chụp lại");
        for wrong in [
            "",
            "  ",
            "...",
            "Xem https://x",
            "Vào baohiemxahoi.gov.vn",
            "www.x",
            "bit.ly/abc",
            "evil.xyz/abc",
            "a.b.tech/x",
            "Gọi 10.0.0.1",
            "Xem evil.cóm",
            "日本",
            "Gửi mã OTP cho cán bộ",
        ] {
            assert!(told(wrong).is_err(), "{wrong}");
        }
        assert!(told(&"a".repeat(301)).is_err());
        for good in ["Sai họ tên. vn", "Ảnh mờ.Chụp lại", "Giấy tờ cấp ngày 05.03.2020", "v.v", "Kê khai lại 1/2 trang"]
        {
            assert!(told(good).is_ok(), "{good}");
        }
        assert!(parse_reason("Người dân đề nghị gửi lại mật khẩu", None).is_ok(), "nobody is told it");
        assert!(told(&"{".repeat(300)).is_err(), "braces count twice");
    }

    proptest! {
        #[test]
        fn whatever_is_typed_leaves_in_gsm_7(raw in "\\PC{0,80}") {
            prop_assert!(!segments(&sms_text(&raw)).ucs2);
        }
    }
}
