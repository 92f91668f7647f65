//! A form of a page, as a person fills it.

use scraper::ElementRef;

use super::browser::{Page, is_disabled, owns, resolve, selector, words_of};

/// A form as it will be sent.
#[derive(Clone, Debug)]
pub struct Form {
    /// The address of the page that it stands on.
    pub page: String,
    pub action: String,
    pub method: String,
    multipart: bool,
    fields: Vec<Field>,
}

#[derive(Clone, Debug)]
struct Field {
    name: String,
    value: String,
    control: Control,
}

#[derive(Clone, Debug)]
enum Control {
    Text,
    Hidden,
    Button,
    /// A radio button or a checkbox.
    Tick {
        radio: bool,
        on: bool,
    },
    Choice {
        offered: Vec<String>,
    },
    File {
        name: String,
        media_type: String,
        bytes: Vec<u8>,
    },
}

impl Form {
    pub fn read(page: &Page, form: ElementRef<'_>, button: Option<ElementRef<'_>>) -> Self {
        let attr = |name: &str| {
            button
                .and_then(|button| button.attr(&format!("form{name}")))
                .or_else(|| form.attr(name))
                .unwrap_or_default()
        };
        let controls = page.select("input[name], select[name], textarea[name]");
        let mut fields: Vec<Field> = controls
            .into_iter()
            .filter(|control| owns(form, *control) && !is_disabled(*control))
            .filter_map(read_field)
            .collect();
        if let Some((button, name)) = button.and_then(|button| Some((button, button.attr("name")?))) {
            let value = button.attr("value").unwrap_or_default();
            fields.push(Field { name: name.into(), value: value.into(), control: Control::Button });
        }
        Self {
            page: page.url.clone(),
            action: resolve(&page.url, attr("action")),
            method: if attr("method").eq_ignore_ascii_case("post") { "post".into() } else { "get".into() },
            multipart: attr("enctype").eq_ignore_ascii_case("multipart/form-data"),
            fields,
        }
    }

    #[track_caller]
    fn named(&mut self, name: &str) -> Vec<&mut Field> {
        let names: Vec<String> = self.fields.iter().map(|field| field.name.clone()).collect();
        let found: Vec<&mut Field> = self.fields.iter_mut().filter(|field| field.name == name).collect();
        assert!(!found.is_empty(), "the form has no field «{name}», only {names:?}");
        found
    }

    /// Types into a field, or chooses one of what a list or radio buttons offer.
    #[track_caller]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        let mut done = false;
        for field in self.named(name) {
            match &mut field.control {
                Control::Text => (field.value, done) = (value.to_owned(), true),
                Control::Choice { offered } => {
                    assert!(offered.iter().any(|offer| offer == value), "«{name}» offers {offered:?}, not «{value}»");
                    (field.value, done) = (value.to_owned(), true);
                }
                Control::Tick { radio: true, on } => {
                    *on = field.value == value;
                    done |= *on;
                }
                _ => {}
            }
        }
        assert!(done, "«{name}» cannot be set to «{value}»");
        self
    }

    /// Ticks a checkbox; all of them, when there are several of this name.
    #[track_caller]
    pub fn check(self, name: &str) -> Self {
        self.tick(name, None, true)
    }

    #[track_caller]
    pub fn uncheck(self, name: &str) -> Self {
        self.tick(name, None, false)
    }

    /// Ticks one of several checkboxes of the same name.
    #[track_caller]
    pub fn check_value(self, name: &str, value: &str) -> Self {
        self.tick(name, Some(value), true)
    }

    #[track_caller]
    fn tick(mut self, name: &str, value: Option<&str>, to: bool) -> Self {
        let mut done = false;
        for field in self.named(name) {
            if let Control::Tick { radio: false, on } = &mut field.control
                && value.is_none_or(|value| field.value == value)
            {
                (*on, done) = (to, true);
            }
        }
        assert!(done, "«{name}» has no such checkbox");
        self
    }

    /// Chooses a file.
    #[track_caller]
    pub fn attach(mut self, field: &str, file: &str, media: &str, content: &[u8]) -> Self {
        for found in self.named(field) {
            let Control::File { name, media_type, bytes } = &mut found.control else {
                panic!("«{field}» takes no file")
            };
            (*name, *media_type, *bytes) = (file.into(), media.into(), content.into());
        }
        self
    }

    /// Sends this value whatever the page says, as an attacker or a broken program would.
    pub fn forge(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|field| field.name != name);
        self.fields.push(Field { name: name.into(), value: value.into(), control: Control::Hidden });
        self
    }

    /// Sends the form without this field, which a browser would not.
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|field| field.name != name);
        self
    }

    /// What stands in a field: of radio buttons and checkboxes the ticked one, or nothing.
    pub fn value(&self, name: &str) -> &str {
        self.values(name).first().copied().unwrap_or_default()
    }

    /// All values that would be sent under this name.
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.sent().filter(|field| field.name == name).map(|field| field.value.as_str()).collect()
    }

    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    fn sent(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !matches!(field.control, Control::Tick { on: false, .. }))
    }

    pub fn urlencoded(&self) -> String {
        let pairs = self.sent().map(|field| {
            let value = match &field.control {
                Control::File { name, .. } => name.clone(),
                _ => with_crlf(&field.value),
            };
            format!("{}={}", encoded(&field.name), encoded(&value))
        });
        pairs.collect::<Vec<_>>().join("&")
    }

    /// The media type and the body of a POST.
    pub fn body(&self) -> (&'static str, Vec<u8>) {
        if !self.multipart {
            return ("application/x-www-form-urlencoded", self.urlencoded().into_bytes());
        }
        let mut body = Vec::new();
        for field in self.sent() {
            body.extend_from_slice(b"--tnhs-test-boundary\r\nContent-Disposition: form-data; name=\"");
            body.extend_from_slice(field.name.as_bytes());
            if let Control::File { name, media_type, bytes } = &field.control {
                body.extend_from_slice(
                    format!("\"; filename=\"{name}\"\r\nContent-Type: {media_type}\r\n\r\n").as_bytes(),
                );
                body.extend_from_slice(bytes);
            } else {
                body.extend_from_slice(b"\"\r\n\r\n");
                body.extend_from_slice(with_crlf(&field.value).as_bytes());
            }
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--tnhs-test-boundary--\r\n");
        ("multipart/form-data; boundary=tnhs-test-boundary", body)
    }
}

fn read_field(control: ElementRef<'_>) -> Option<Field> {
    let attr = |name: &str| control.attr(name).unwrap_or_default();
    let field = |value: String, control| Some(Field { name: attr("name").to_owned(), value, control });
    match (control.value().name(), attr("type").to_ascii_lowercase().as_str()) {
        ("textarea", _) => field(control.text().collect(), Control::Text),
        ("select", _) => {
            let options: Vec<_> = control.select(&selector("option")).collect();
            let value_of =
                |option: &ElementRef<'_>| option.attr("value").map_or_else(|| words_of(*option), str::to_owned);
            let chosen = options.iter().find(|option| option.attr("selected").is_some()).or(options.first());
            let offered = options.iter().filter(|option| option.attr("disabled").is_none()).map(value_of).collect();
            field(chosen.map(value_of).unwrap_or_default(), Control::Choice { offered })
        }
        (_, "submit" | "button" | "reset" | "image") => None,
        (_, kind @ ("radio" | "checkbox")) => {
            let on = control.attr("checked").is_some();
            field(control.attr("value").unwrap_or("on").to_owned(), Control::Tick { radio: kind == "radio", on })
        }
        (_, "file") => field(
            String::new(),
            Control::File { name: String::new(), media_type: "application/octet-stream".into(), bytes: Vec::new() },
        ),
        (_, "hidden") => field(attr("value").to_owned(), Control::Hidden),
        _ => field(attr("value").to_owned(), Control::Text),
    }
}

/// Line ends as browsers send them.
fn with_crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

/// As in `application/x-www-form-urlencoded`.
pub fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        b' ' => "+".into(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
