//! The management API of an EMQX that does nothing: it says yes and remembers what was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::storm::emqx::Settings;

/// The calls so far, each as `METHOD PATH BODY`.
type Calls = Arc<Mutex<Vec<String>>>;

/// A running one. Its thread ends with the test's process.
pub(super) struct FakeApi {
    address: SocketAddr,
    calls: Calls,
}

impl FakeApi {
    /// `chain` is its answer to the question which authenticators it has.
    pub(super) fn start(chain: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Calls::default();
        let record = Arc::clone(&calls);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let record = Arc::clone(&record);
                std::thread::spawn(move || serve(&stream.unwrap(), chain, &record));
            }
        });
        Self { address, calls }
    }

    pub(super) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// Names this one, with a listener for the storm at `listener`.
    pub(super) fn settings(&self, listener: SocketAddr) -> Settings {
        let lookup = |name: &str| {
            Some(match name {
                "EMQX_STORM_LISTENER" => listener.to_string(),
                "EMQX_URL" => format!("http://{}", self.address),
                "EMQX_API_KEY" | "EMQX_API_SECRET" => "x".to_owned(),
                _ => return None,
            })
        };
        Settings::read(lookup).unwrap().unwrap()
    }
}

fn serve(stream: &TcpStream, chain: &str, calls: &Calls) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let head = head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body).ok()?;
        let mut words = head.split(' ');
        let (method, path) = (words.next()?.to_uppercase(), words.next()?);
        let body = String::from_utf8(body).unwrap();
        calls
            .lock()
            .unwrap()
            .push(format!("{method} {path} {body}"));
        let answer = match (method.as_str(), path) {
            ("GET", "/api/v5/nodes") => r#"[{"version":"5.8.9"}]"#,
            ("GET", "/api/v5/authentication") => chain,
            ("DELETE", _) => "",
            _ => "{}",
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        );
        (&*stream).write_all(answer.as_bytes()).ok()?;
    }
}
