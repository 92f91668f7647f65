//! A person at a browser without JavaScript: opens pages, reads what stands there, fills the forms that are there, follows
//! where they lead. It refuses what a person could not do (a field that the page has not, a choice that is not offered);
//! what an attacker could do goes through [`Form::forge`] and [`Browser::send`].

use std::fmt;
use std::time::Duration;

use scraper::{ElementRef, Html, Node, Selector};
use ureq::http::{HeaderMap, Request};

pub struct Browser {
    /// Keeps the cookies.
    agent: ureq::Agent,
    base: String,
}

impl Browser {
    pub fn new(base: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        Self { agent, base: base.to_owned() }
    }

    /// Opens a page, and follows where it leads.
    pub fn get(&self, path: &str) -> Page {
        self.follow(self.send("GET", path, &[], Vec::new()))
    }

    /// Follows a link of the page by its words.
    pub fn click(&self, page: &Page, words: &str) -> Page {
        self.follow(self.send("GET", &page.link(words), &[("Referer", &self.absolute(&page.url))], Vec::new()))
    }

    /// Sends a form, and follows where it leads.
    pub fn submit(&self, form: Form) -> Page {
        self.follow(self.submit_only(&form))
    }

    /// Sends a form and stops at the first answer, be it a redirect.
    pub fn submit_only(&self, form: &Form) -> Page {
        let referer = self.absolute(&form.page);
        if form.method == "get" {
            let path = form.action.split('?').next().unwrap_or_default();
            return self.send("GET", &format!("{path}?{}", form.urlencoded()), &[("Referer", &referer)], Vec::new());
        }
        let (content_type, body) = form.body();
        let headers = [("Content-Type", content_type), ("Origin", &self.base), ("Referer", &referer)];
        self.send("POST", &form.action, &headers, body)
    }

    /// One bare request with the browser's cookies: nothing is added, nothing is followed.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Page {
        let mut request = Request::builder().method(method).uri(self.absolute(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match method {
            "GET" | "HEAD" => self.agent.run(request.body(()).unwrap()),
            _ => self.agent.run(request.body(body).unwrap()),
        };
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let (head, mut body) = answer.into_parts();
        let bytes = body.with_config().limit(200 * 1024 * 1024).read_to_vec().unwrap();
        let html = String::from_utf8_lossy(&bytes).into_owned();
        Page {
            status: head.status.as_u16(),
            url: path.to_owned(),
            headers: head.headers,
            document: Html::parse_document(&html),
            html,
            bytes,
        }
    }

    fn follow(&self, mut page: Page) -> Page {
        for _ in 0..10 {
            if !matches!(page.status, 301..=303) {
                return page;
            }
            let to = page.header("location").expect("a redirect without Location");
            let to = resolve(&page.url, to.strip_prefix(&self.base).unwrap_or(to));
            page = self.send("GET", &to, &[], Vec::new());
        }
        panic!("redirected ten times, the last time to {}", page.url);
    }

    fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

/// An answer of the server.
pub struct Page {
    pub status: u16,
    /// Path and query.
    pub url: String,
    pub headers: HeaderMap,
    pub html: String,
    pub bytes: Vec<u8>,
    document: Html,
}

impl Page {
    /// The address without its query.
    pub fn path(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The page itself, which must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "\n{self}");
        self
    }

    pub fn select(&self, css: &str) -> Vec<ElementRef<'_>> {
        self.document.select(&selector(css)).collect()
    }

    /// The words in each element that the selector finds.
    pub fn texts_of(&self, css: &str) -> Vec<String> {
        self.select(css).into_iter().map(words_of).collect()
    }

    /// The words in the one element that the selector finds.
    #[track_caller]
    pub fn text_of(&self, css: &str) -> String {
        let mut texts = self.texts_of(css);
        assert_eq!(texts.len(), 1, "«{css}» on\n{self}");
        texts.remove(0)
    }

    /// All the words of the page.
    pub fn text(&self) -> String {
        words_of(self.document.root_element())
    }

    pub fn has_text(&self, words: &str) -> bool {
        self.text().contains(words)
    }

    /// The address of the first link with exactly these words, or this label.
    #[track_caller]
    pub fn link(&self, words: &str) -> String {
        let links = self.select("a[href]");
        let found = links.iter().find(|link| labels_of(**link).any(|label| label == words));
        let Some(link) = found else {
            let there: Vec<String> = links.iter().map(|link| words_of(*link)).collect();
            panic!("no link «{words}» among {there:?} on\n{self}");
        };
        resolve(&self.url, link.attr("href").unwrap_or_default())
    }

    pub fn has_link(&self, words: &str) -> bool {
        self.select("a[href]").into_iter().any(|link| labels_of(link).any(|label| label == words))
    }

    /// The first form with a button of these words, or, when `key` begins with a slash, the one that is sent to this path.
    /// It holds what the page filled in.
    #[track_caller]
    pub fn form(&self, key: &str) -> Form {
        let buttons =
            || self.select("button, input[type=submit], input[type=image]").into_iter().filter(|b| is_submit(*b));
        let owner_of = |button: ElementRef<'_>| self.forms().into_iter().find(|form| owns(*form, button));
        if key.starts_with('/') {
            for form in self.forms() {
                let button = buttons().find(|button| owns(form, *button));
                let form = Form::read(self, form, button);
                if form.action.split('?').next() == Some(key) {
                    return form;
                }
            }
        } else if let Some(button) = buttons().find(|button| labels_of(*button).any(|label| label == key)) {
            let form = owner_of(button).unwrap_or_else(|| panic!("the button «{key}» belongs to no form"));
            return Form::read(self, form, Some(button));
        }
        let there: Vec<String> = buttons().map(words_of).collect();
        panic!("no form «{key}»; the buttons are {there:?} on\n{self}");
    }

    pub fn has_button(&self, words: &str) -> bool {
        self.select("button, input[type=submit]")
            .into_iter()
            .any(|button| labels_of(button).any(|label| label == words))
    }

    fn forms(&self) -> Vec<ElementRef<'_>> {
        self.select("form")
    }
}

/// What a person sees of the page: the status, the address, the words.
impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}\n{}", self.status, self.url, self.text())
    }
}

/// A form as it will be sent.
#[derive(Clone, Debug)]
pub struct Form {
    page: String,
    pub action: String,
    method: String,
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
    fn read(page: &Page, form: ElementRef<'_>, button: Option<ElementRef<'_>>) -> Self {
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

    fn urlencoded(&self) -> String {
        let pairs = self.sent().map(|field| {
            let value = match &field.control {
                Control::File { name, .. } => name.clone(),
                _ => with_crlf(&field.value),
            };
            format!("{}={}", encoded(&field.name), encoded(&value))
        });
        pairs.collect::<Vec<_>>().join("&")
    }

    fn body(&self) -> (&'static str, Vec<u8>) {
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

fn selector(css: &str) -> Selector {
    Selector::parse(css).unwrap_or_else(|error| panic!("«{css}» is no selector: {error:?}"))
}

fn ancestors(element: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    element.ancestors().filter_map(ElementRef::wrap)
}

/// Whether a control belongs to a form: by its `form` attribute, or because it stands inside.
fn owns(form: ElementRef<'_>, control: ElementRef<'_>) -> bool {
    match control.attr("form") {
        Some(id) => form.attr("id") == Some(id),
        None => ancestors(control).any(|ancestor| ancestor == form),
    }
}

fn is_disabled(control: ElementRef<'_>) -> bool {
    let fieldset = |element: ElementRef<'_>| element.value().name() == "fieldset" && element.attr("disabled").is_some();
    control.attr("disabled").is_some() || ancestors(control).any(fieldset)
}

fn is_submit(button: ElementRef<'_>) -> bool {
    let kind = button.attr("type").unwrap_or("submit");
    !is_disabled(button) && (kind.eq_ignore_ascii_case("submit") || kind.eq_ignore_ascii_case("image"))
}

/// What a person may call a link or a button.
fn labels_of(element: ElementRef<'_>) -> impl Iterator<Item = String> {
    let value = if element.value().name() == "input" { element.attr("value") } else { None };
    let spoken = [value, element.attr("aria-label"), element.attr("title")];
    std::iter::once(words_of(element)).chain(spoken.into_iter().flatten().map(str::to_owned))
}

/// The words in an element, single spaces between them.
fn words_of(element: ElementRef<'_>) -> String {
    fn gather(element: ElementRef<'_>, text: &mut String) {
        const INLINE: [&str; 14] =
            ["a", "abbr", "b", "bdi", "code", "em", "i", "kbd", "mark", "small", "span", "strong", "time", "u"];
        let name = element.value().name();
        if matches!(name, "script" | "style" | "template" | "head") {
            return;
        }
        let inline = INLINE.contains(&name);
        text.push_str(if inline { "" } else { " " });
        for child in element.children() {
            match child.value() {
                Node::Text(words) => text.push_str(words),
                _ => {
                    if let Some(child) = ElementRef::wrap(child) {
                        gather(child, text);
                    }
                }
            }
        }
        text.push_str(if inline { "" } else { " " });
    }
    let mut text = String::new();
    gather(element, &mut text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where an address on a page leads: path and query.
fn resolve(page: &str, to: &str) -> String {
    let to = to.split('#').next().unwrap_or_default();
    let path = page.split('?').next().unwrap_or_default();
    match to.chars().next() {
        None => page.to_owned(),
        Some('/') => to.to_owned(),
        Some('?') => format!("{path}{to}"),
        _ => format!("{}/{to}", path.rsplit_once('/').map_or("", |(folder, _)| folder)),
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
