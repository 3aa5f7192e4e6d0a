//! A chat endpoint that says the same to everybody, for measuring clients: a process of its own, so
//! that its time is not theirs, and cheap enough not to be what is measured.
//!
//!     cargo bench -q --bench null_endpoint -- --port 0 --latency-ms 200 --per-minute 12000 --say 1
//!
//! Prints its address, then serves until its standard input is closed. `GET /stats` tells what came,
//! `POST /reset` forgets it. Over the limit (a token bucket of one second, as services have) it
//! answers 429 with `Retry-After: 1`.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

struct Options {
    port: u16,
    latency: Duration,
    per_minute: Option<f64>,
    say: String,
}

impl Options {
    fn read() -> Result<Self> {
        let mut o = Self { port: 0, latency: Duration::ZERO, per_minute: None, say: "1".into() };
        let mut args = std::env::args().skip(1);
        while let Some(name) = args.next() {
            if name == "--bench" {
                continue;
            }
            let value = args.next().with_context(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--port" => o.port = value.parse()?,
                "--latency-ms" => o.latency = Duration::from_secs_f64(value.parse::<f64>()? / 1e3),
                "--per-minute" => o.per_minute = Some(value.parse()?),
                "--say" => o.say = value,
                other => anyhow::bail!("unknown option {other}"),
            }
        }
        Ok(o)
    }
}

/// What came so far.
struct Stats {
    start: Instant,
    calls: u64,
    refused: u64,
    connections: u64,
    under_way: u64,
    most_under_way: u64,
    first: Option<f64>,
    last: f64,
    /// Calls by second since the start.
    seconds: Vec<u32>,
    bucket: f64,
    filled: f64,
}

impl Stats {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            calls: 0,
            refused: 0,
            connections: 0,
            under_way: 0,
            most_under_way: 0,
            first: None,
            last: 0.0,
            seconds: Vec::new(),
            bucket: f64::INFINITY,
            filled: 0.0,
        }
    }

    /// True when the call is within the limit.
    fn take(&mut self, per_minute: Option<f64>) -> bool {
        let now = self.start.elapsed().as_secs_f64();
        if let Some(limit) = per_minute {
            let rate = limit / 60.0;
            self.bucket = (self.bucket + (now - self.filled) * rate).min(rate.max(1.0));
            self.filled = now;
            if self.bucket < 1.0 {
                self.refused += 1;
                return false;
            }
            self.bucket -= 1.0;
        }
        self.calls += 1;
        self.first.get_or_insert(now);
        self.last = now;
        let second = now as usize;
        if self.seconds.len() <= second {
            self.seconds.resize(second + 1, 0);
        }
        self.seconds[second] += 1;
        true
    }

    fn json(&self) -> String {
        let span = self.last - self.first.unwrap_or(0.0);
        let most = self.seconds.iter().max().copied().unwrap_or(0);
        serde_json::json!({"calls": self.calls, "refused": self.refused, "seconds": span,
            "connections": self.connections, "most_under_way": self.most_under_way,
            "most_in_a_second": most})
        .to_string()
    }
}

struct Server {
    options: Options,
    answer: Vec<u8>,
    stats: RefCell<Stats>,
}

fn http(status: &str, more: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{more}content-length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

fn main() -> Result<()> {
    if std::env::args().skip(1).all(|a| a == "--bench") {
        println!("null_endpoint: serves with --port 0; see benches/augment_calls/run.py");
        return Ok(());
    }
    let options = Options::read()?;
    let body = serde_json::json!({"id": "chatcmpl-null", "object": "chat.completion", "created": 0,
        "model": "null", "choices": [{"index": 0, "finish_reason": "stop", "logprobs": null,
        "message": {"role": "assistant", "content": options.say, "refusal": null}}],
        "usage": {"prompt_tokens": 120, "completion_tokens": 40, "total_tokens": 160}});
    let server = Rc::new(Server {
        answer: http("200 OK", "", &body.to_string()),
        stats: RefCell::new(Stats::new()),
        options,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        let listener = TcpListener::bind(("127.0.0.1", server.options.port)).await?;
        println!("http://{}/v1", listener.local_addr()?);
        std::io::stdout().flush()?;
        let (tell, mut closed) = tokio::sync::oneshot::channel::<()>();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            drop(tell);
        });
        loop {
            tokio::select! {
                _ = &mut closed => return Ok(()),
                accepted = listener.accept() => {
                    let (stream, _) = accepted?;
                    stream.set_nodelay(true)?;
                    server.stats.borrow_mut().connections += 1;
                    tokio::task::spawn_local(serve(stream, Rc::clone(&server)));
                }
            }
        }
    })
}

async fn serve(mut stream: TcpStream, server: Rc<Server>) {
    let mut bytes = Vec::with_capacity(16 << 10);
    loop {
        let end = loop {
            if let Some(i) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
                break i + 4;
            }
            match stream.read_buf(&mut bytes).await {
                Ok(n) if n > 0 => {}
                _ => return,
            }
        };
        let length = length(&bytes[..end]);
        while bytes.len() < end + length {
            match stream.read_buf(&mut bytes).await {
                Ok(n) if n > 0 => {}
                _ => return,
            }
        }
        let reply = answer(&bytes[..end], &server).await;
        bytes.drain(..end + length);
        if stream.write_all(&reply).await.is_err() {
            return;
        }
    }
}

fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head);
    head.lines()
        .filter_map(|l| l.split_once(':'))
        .find(|(n, _)| n.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, v)| v.trim().parse().ok())
        .unwrap_or(0)
}

async fn answer(head: &[u8], server: &Server) -> Vec<u8> {
    if head.starts_with(b"GET /stats") {
        return http("200 OK", "", &server.stats.borrow().json());
    }
    if head.starts_with(b"POST /reset") {
        *server.stats.borrow_mut() = Stats::new();
        return http("200 OK", "", "{}");
    }
    if head.starts_with(b"GET ") {
        return http(
            "200 OK",
            "",
            r#"{"object": "list", "data": [{"id": "null", "object": "model"}]}"#,
        );
    }
    {
        let mut stats = server.stats.borrow_mut();
        if !stats.take(server.options.per_minute) {
            return http(
                "429 Too Many Requests",
                "retry-after: 1\r\n",
                r#"{"error": {"message": "rate limit"}}"#,
            );
        }
        stats.under_way += 1;
        stats.most_under_way = stats.most_under_way.max(stats.under_way);
    }
    if !server.options.latency.is_zero() {
        tokio::time::sleep(server.options.latency).await;
    }
    server.stats.borrow_mut().under_way -= 1;
    server.answer.clone()
}
