//! A person at work: one keep-alive connection, one session. It does no more than it must, because it runs on the machine
//! that it measures.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, bail, ensure};

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    pub location: Option<String>,
}

pub struct Client {
    /// `HOST:PORT`
    address: String,
    stream: TcpStream,
    cookie: String,
    csrf: String,
    buffer: Vec<u8>,
}

impl Client {
    /// Signs in through the page.
    pub fn sign_in(address: &str, login: &str, password: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut client = Self {
            address: address.to_owned(),
            stream,
            cookie: String::new(),
            csrf: String::new(),
            buffer: Vec::new(),
        };
        let answer = client.post("/sign-in", &[("login", login), ("password", password)])?;
        ensure!(answer.status == 303 && !client.cookie.is_empty(), "{login} could not sign in: {}", answer.status);
        let page = client.get("/password")?;
        let page = String::from_utf8_lossy(&page.body);
        let (_, after) = page.split_once("name=\"csrf\" value=\"").context("a page without a token")?;
        client.csrf = after.split('"').next().unwrap_or_default().to_owned();
        Ok(client)
    }

    pub fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n", self.address, self.cookie);
        self.send(&request)
    }

    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let mut body = format!("csrf={}", self.csrf);
        for (name, value) in fields {
            body.push_str(&format!("&{name}={}", escape(value)));
        }
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.cookie,
            body.len(),
            host = self.address,
        );
        self.send(&request)
    }

    fn send(&mut self, request: &str) -> anyhow::Result<Answer> {
        self.stream.write_all(request.as_bytes())?;
        self.buffer.clear();
        let head_length = loop {
            if let Some(at) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            self.fill()?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..head_length]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status line")?.parse()?;
        let (mut length, mut location) = (None, None);
        for line in lines {
            let Some((name, value)) = line.split_once(": ") else { continue };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = Some(value.parse::<usize>()?),
                "location" => location = Some(value.to_owned()),
                "set-cookie" => self.cookie = value.split(';').next().unwrap_or_default().to_owned(),
                _ => {}
            }
        }
        let Some(length) = length else { bail!("an answer without a length") };
        while self.buffer.len() < head_length + length {
            self.fill()?;
        }
        Ok(Answer { status, body: self.buffer[head_length..].to_vec(), location })
    }

    fn fill(&mut self) -> anyhow::Result<()> {
        let mut chunk = [0; 64 * 1024];
        let read = self.stream.read(&mut chunk)?;
        ensure!(read > 0, "the server closed the connection");
        self.buffer.extend_from_slice(&chunk[..read]);
        Ok(())
    }
}

fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
