//! A chat endpoint on this machine that does what a closure says, call by call: answers, refuses,
//! breaks off, falls silent. For tests of the library and of the binary.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test harness; not every test uses all of it"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A call as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// 0, 1, ..: in the order of arrival.
    pub number: usize,
    /// `POST /v1/chat/completions`
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its JSON.
    pub body: Value,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The last message.
    pub fn asked(&self) -> String {
        let messages = self.body["messages"].as_array();
        messages.and_then(|m| m.last()).and_then(|m| m["content"].as_str()).unwrap_or("").to_owned()
    }
}

/// What the endpoint does with a call.
#[derive(Debug, Clone)]
pub enum Step {
    /// A whole answer.
    Reply { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// The head promises more than comes; then the connection is closed.
    Half(Vec<u8>),
    /// Chunks without an end; then the connection is closed.
    CutStream(Vec<u8>),
    /// Bytes of this length, in one body.
    Huge(usize),
    /// The call is read, and the connection closed.
    Close,
    /// Nothing, for as long as the endpoint stands.
    Silence,
    /// The same a while later.
    After(Duration, Box<Step>),
}

/// A chat completion as services write it.
pub fn completion(text: &str) -> Value {
    json!({"id": "x", "object": "chat.completion", "model": "m-2026", "choices": [{"index": 0,
        "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}})
}

impl Step {
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".into(), "application/json".into())];
        Self::Reply { status, headers, body: body.to_string().into_bytes() }
    }

    pub fn say(text: &str) -> Self {
        Self::json(200, &completion(text))
    }

    pub fn error(status: u16, message: &str) -> Self {
        Self::json(status, &json!({"error": {"message": message}}))
    }

    pub fn text(status: u16, kind: &str, body: &str) -> Self {
        let headers = vec![("content-type".into(), kind.into())];
        Self::Reply { status, headers, body: body.as_bytes().to_vec() }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Reply { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }
}

type Script = Arc<Mutex<Box<dyn FnMut(&Seen) -> Step + Send>>>;

/// The endpoint; it stops when dropped.
pub struct Endpoint {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Endpoint {
    /// Starts it on a free port.
    pub fn start(script: impl FnMut(&Seen) -> Step + Send + 'static) -> Self {
        let script: Script = Arc::new(Mutex::new(Box::new(script)));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let all = Arc::clone(&seen);
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap().port()).unwrap();
                let accept = async {
                    loop {
                        let (stream, _) = listener.accept().await.unwrap();
                        let _ = stream.set_nodelay(true);
                        tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&all)));
                    }
                };
                tokio::select! { () = accept => {}, _ = stopped => {} }
            });
        });
        Self { port: told.recv().unwrap(), seen, stop: Some(stop), thread: Some(thread) }
    }

    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// All calls so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(mut stream: TcpStream, script: Script, all: Arc<Mutex<Vec<Seen>>>) {
    let mut bytes = Vec::new();
    // One connection, many calls.
    while let Some(mut seen) = read(&mut stream, &mut bytes).await {
        let mut step = {
            let mut all = all.lock().unwrap();
            seen.number = all.len();
            all.push(seen.clone());
            (script.lock().unwrap())(&seen)
        };
        while let Step::After(wait, next) = step {
            tokio::time::sleep(wait).await;
            step = *next;
        }
        if !act(&mut stream, step).await {
            return;
        }
    }
}

/// Reads one call; `bytes` keeps what came too early.
async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(i) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break i + 4;
        }
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|l| l.split_once(':'))
        .map(|(n, v)| (n.trim().to_lowercase(), v.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(n, _)| n == "content-length");
    let length: usize = length.and_then(|(_, v)| v.parse().ok()).unwrap_or(0);
    while bytes.len() < end + length {
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = serde_json::from_slice(&bytes[end..end + length]).unwrap_or(Value::Null);
    bytes.drain(..end + length);
    Some(Seen { number: 0, line, headers, body })
}

/// True when the connection stays open.
async fn act(stream: &mut TcpStream, step: Step) -> bool {
    match step {
        Step::Reply { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            let mut bytes = head.into_bytes();
            bytes.extend_from_slice(&body);
            stream.write_all(&bytes).await.is_ok()
        }
        Step::Half(body) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len() * 2);
            let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
            false
        }
        Step::CutStream(body) => {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\
                        content-type: text/event-stream\r\n\r\n";
            let chunk = format!("{:x}\r\n{}\r\n", body.len(), String::from_utf8_lossy(&body));
            let _ = stream.write_all(&[head.as_bytes(), chunk.as_bytes()].concat()).await;
            false
        }
        Step::Huge(length) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            let mut left = length;
            let mut ok = stream.write_all(head.as_bytes()).await.is_ok();
            while ok && left > 0 {
                let part = left.min(1 << 16);
                ok = stream.write_all(&vec![b'x'; part]).await.is_ok();
                left -= part;
            }
            ok
        }
        Step::Close => false,
        Step::Silence => {
            std::future::pending::<()>().await;
            false
        }
        Step::After(..) => unreachable!("waited for by the caller"),
    }
}
