//! A person at a browser without JavaScript: opens pages, reads what stands there, fills the forms that are there and
//! follows where they lead. It refuses what a person could not do (a field that the page has not, a choice that is not
//! offered); what an attacker could do goes through [`Form::forge`] and [`Browser::send`].

use std::fmt;
use std::time::Duration;

use scraper::{ElementRef, Html, Node, Selector};
use ureq::http::{HeaderMap, Request};

use super::form::Form;

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

    /// Scheme, host and port.
    pub fn base(&self) -> &str {
        &self.base
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
        self.attempt(method, path, headers, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// As [`Browser::send`], of a server that may be gone before it has answered.
    pub fn attempt(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Page, ureq::Error> {
        let mut request = Request::builder().method(method).uri(self.absolute(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match method {
            "GET" | "HEAD" => self.agent.run(request.body(()).unwrap()),
            _ => self.agent.run(request.body(body).unwrap()),
        }?;
        let (head, mut body) = answer.into_parts();
        let bytes = body.with_config().limit(200 * 1024 * 1024).read_to_vec()?;
        let html = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Page {
            status: head.status.as_u16(),
            url: path.to_owned(),
            headers: head.headers,
            document: Html::parse_document(&html),
            html,
            bytes,
        })
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

    /// The first form with a button of these words, or, when `key` begins with a slash, the one that is sent to this
    /// path. It holds what the page filled in.
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

pub fn selector(css: &str) -> Selector {
    Selector::parse(css).unwrap_or_else(|error| panic!("«{css}» is no selector: {error:?}"))
}

fn ancestors(element: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    element.ancestors().filter_map(ElementRef::wrap)
}

/// Whether a control belongs to a form: by its `form` attribute, or because it stands inside.
pub fn owns(form: ElementRef<'_>, control: ElementRef<'_>) -> bool {
    match control.attr("form") {
        Some(id) => form.attr("id") == Some(id),
        None => ancestors(control).any(|ancestor| ancestor == form),
    }
}

pub fn is_disabled(control: ElementRef<'_>) -> bool {
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
pub fn words_of(element: ElementRef<'_>) -> String {
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
pub fn resolve(page: &str, to: &str) -> String {
    let to = to.split('#').next().unwrap_or_default();
    let path = page.split('?').next().unwrap_or_default();
    match to.chars().next() {
        None => page.to_owned(),
        Some('/') => to.to_owned(),
        Some('?') => format!("{path}{to}"),
        _ => format!("{}/{to}", path.rsplit_once('/').map_or("", |(folder, _)| folder)),
    }
}
