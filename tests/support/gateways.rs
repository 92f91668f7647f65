//! The other ends of the wires: an SMS gateway and a mail server that do what a test tells them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What a gateway does with a message.
#[derive(Clone, Copy)]
pub enum Answer {
    /// The status and what Kannel says.
    Says(u16, &'static str),
    /// It takes the message and answers only when the next one has come.
    HangsUntilTheNext,
    /// It takes the message and never answers.
    Silent,
    /// It takes the message and hangs up after these bytes.
    HangsUp(&'static str),
    /// It refuses the message and repeats it.
    Repeats(u16),
    /// It tells what became of the message before it answers that it took it.
    TellsFirst(u16),
}

/// An SMS gateway on a port of its own. It gives the answers in turn, and the last one for ever.
pub struct Gateway {
    /// As that of a Kannel.
    pub url: String,
    /// Host and port.
    pub address: String,
    got: Arc<Mutex<Vec<Request>>>,
}

#[derive(Clone)]
pub struct Request {
    pub head: String,
    pub text: String,
}

impl Gateway {
    pub fn answering(answers: &'static [Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let url = format!("kannel+http://tnhs:secret@{address}?from=BHXH");
        let got = Arc::new(Mutex::new(Vec::new()));
        let (requests, number) = (got.clone(), AtomicUsize::new(0));
        // The thread ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let answer = answers[number.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)];
                let requests = requests.clone();
                thread::spawn(move || serve(stream.unwrap(), answer, &requests));
            }
        });
        Self { url, address, got }
    }

    pub fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }

    pub fn got(&self) -> Vec<Request> {
        self.got.lock().unwrap().clone()
    }

    /// Waits until so many messages have come.
    pub fn wait_for(&self, count: usize) {
        wait_for(&self.got, count);
    }
}

impl Request {
    /// The value of a header, whose name is given in small letters; so is the value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Where Kannel tells with this status what became of the message.
    pub fn receipt(&self, status: u16) -> String {
        self.header("x-kannel-dlr-url").expect("nobody asked for a receipt").replace("%d", &status.to_string())
    }
}

fn wait_for(got: &Mutex<Vec<Request>>, count: usize) {
    let start = Instant::now();
    while got.lock().unwrap().len() < count {
        assert!(start.elapsed() < Duration::from_secs(20), "the message did not come");
        thread::sleep(Duration::from_millis(10));
    }
}

fn serve(mut stream: TcpStream, answer: Answer, requests: &Mutex<Vec<Request>>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let request = loop {
        let read = stream.read(&mut buffer).unwrap();
        bytes.extend_from_slice(&buffer[..read]);
        let so_far = String::from_utf8_lossy(&bytes);
        if let Some((head, text)) = so_far.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if read == 0 || length.is_none_or(|length| text.len() >= length.trim().parse::<usize>().unwrap()) {
                break Request { text: text.to_owned(), head };
            }
        }
        assert!(read > 0, "half a request");
    };
    let number = {
        let mut requests = requests.lock().unwrap();
        requests.push(request.clone());
        requests.len()
    };
    const TAKEN: (u16, &str) = (202, "0: Accepted for delivery");
    let (status, says) = match answer {
        Answer::Says(status, says) => (status, says),
        Answer::HangsUntilTheNext => {
            wait_for(requests, number + 1);
            TAKEN
        }
        Answer::Silent => {
            // Until whoever asked has gone.
            let _ = stream.read(&mut buffer);
            return;
        }
        Answer::HangsUp(bytes) => return stream.write_all(bytes.as_bytes()).unwrap(),
        Answer::Repeats(status) => (status, request.text.as_str()),
        Answer::TellsFirst(status) => {
            ureq::get(request.receipt(status)).call().unwrap();
            TAKEN
        }
    };
    let length = says.len();
    let answer = format!("HTTP/1.1 {status} Status\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{says}");
    // Whoever asked may be gone.
    let _ = stream.write_all(answer.as_bytes());
}

/// A mail server on a port of its own that knows one command after the other and keeps what it is given.
pub struct MailServer {
    pub url: String,
    got: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    /// It answers the recipient's address so.
    pub fn answering(recipient: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://{}?from=tnhs@example.vn", listener.local_addr().unwrap());
        let got = Arc::new(Mutex::new(Vec::new()));
        let mails = got.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mails = mails.clone();
                thread::spawn(move || take_mail(stream.unwrap(), recipient, &mails));
            }
        });
        Self { url, got }
    }

    /// The mails, heads and bodies as they came.
    pub fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }
}

fn take_mail(mut stream: TcpStream, recipient: &str, mails: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let mut say = |words: &str| stream.write_all(format!("{words}\r\n").as_bytes()).unwrap();
    say("220 ready");
    while let Some(line) = lines.next() {
        match line.split([' ', ':']).next().unwrap().to_uppercase().as_str() {
            "RCPT" => say(recipient),
            "DATA" => {
                say("354 go on");
                let mail: Vec<String> = lines.by_ref().take_while(|line| line != ".").collect();
                mails.lock().unwrap().push(mail.join("\n"));
                say("250 taken");
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 well"),
        }
    }
}
