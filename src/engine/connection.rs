//! One client: greeting, requests and replies, and the lines of a subscription.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::core::{Core, Sent};
use super::protocol::{self, Frame, Hello, Push, Refusal, Reply, Request};
use super::requests::answer;
use crate::domain::RunId;

/// Serves a client until it leaves, errs, or asks the engine to stop.
pub(super) async fn serve(core: Arc<Core>, stream: UnixStream) {
    // The folder is private; this also holds for a socket that was moved out of it.
    let own = nix::unistd::geteuid().as_raw();
    if stream.peer_cred().map_or(true, |c| c.uid() != own && c.uid() != 0) {
        return;
    }
    let (read, write) = stream.into_split();
    let mut client = Connection { core, write, feed: None };
    let hello = Hello {
        protocol: protocol::VERSION,
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        can: protocol::CAN.map(str::to_owned).to_vec(),
    };
    let Ok(hello) = serde_json::to_string(&hello) else { return };
    // An error means that the client is gone; nobody is left to be told.
    if client.send(&format!("{{\"hello\":{hello}}}\n")).await.is_ok() {
        let _ = client.talk(BufReader::new(read)).await;
    }
}

/// A subscription: which run, the newest event sent, and where the lines come from.
struct Feed {
    run: Option<RunId>,
    seq: i64,
    lines: broadcast::Receiver<Arc<Sent>>,
}

impl Feed {
    fn wants(&self, sent: &Sent) -> bool {
        self.run.as_ref().is_none_or(|r| r.as_str() == sent.run)
            && sent.seq.is_none_or(|s| s > self.seq)
    }
}

struct Connection {
    core: Arc<Core>,
    write: OwnedWriteHalf,
    feed: Option<Feed>,
}

enum Heard {
    Line,
    Sent(Arc<Sent>),
    Behind,
}

impl Connection {
    async fn talk(&mut self, mut read: BufReader<OwnedReadHalf>) -> std::io::Result<()> {
        let mut line = Vec::new();
        loop {
            let heard = {
                // What was read of a line when something else came first stays in `line`.
                let room = (protocol::LONGEST_LINE - line.len()) as u64;
                let mut limited = (&mut read).take(room);
                tokio::select! {
                    n = limited.read_until(b'\n', &mut line) => { n?; Heard::Line }
                    sent = next(&mut self.feed) => sent,
                }
            };
            match heard {
                Heard::Line if line.last() == Some(&b'\n') => {
                    let stop = self.request(&line).await?;
                    line.clear();
                    if stop {
                        self.core.stop.notify_one();
                    }
                }
                // The end, perhaps in mid-frame, or a line without an end: nothing was asked.
                Heard::Line => return Ok(()),
                Heard::Sent(sent) => self.pass_on(&sent).await?,
                Heard::Behind => self.resync().await?,
            }
        }
    }

    /// Answers one request. True when the engine is to stop.
    async fn request(&mut self, line: &[u8]) -> std::io::Result<bool> {
        let frame: Frame = match serde_json::from_slice(line) {
            Ok(frame) => frame,
            Err(e) => {
                let id = serde_json::from_slice::<serde_json::Value>(line)
                    .ok()
                    .and_then(|v| v.get("id")?.as_u64())
                    .unwrap_or(0);
                let refusal = Refusal::new("bad_request", format!("not a request: {e}"));
                self.refuse(id, refusal).await?;
                return Ok(false);
            }
        };
        let id = frame.id;
        let core = Arc::clone(&self.core);
        match frame.request {
            Request::Subscribe { since_seq, run } => self.subscribe(id, since_seq, run).await?,
            request => {
                let stop = matches!(request, Request::Stop);
                let work = tokio::task::spawn_blocking(move || answer(&core, request));
                match work.await {
                    Ok(Ok(body)) => self.send(&format!("{{\"id\":{id},\"ok\":{body}}}\n")).await?,
                    Ok(Err(refusal)) => self.refuse(id, refusal).await?,
                    Err(e) => {
                        self.refuse(id, Refusal::new("internal", e.to_string())).await?;
                    }
                }
                return Ok(stop);
            }
        }
        Ok(false)
    }

    async fn subscribe(
        &mut self,
        id: u64,
        since: Option<i64>,
        run: Option<RunId>,
    ) -> std::io::Result<()> {
        let (core, wanted) = (Arc::clone(&self.core), run.clone());
        let made = tokio::task::spawn_blocking(move || core.subscribe(since, wanted.as_ref()));
        let feed = match made.await {
            Ok(Ok(feed)) => feed,
            Ok(Err(e)) => return self.refuse(id, e.into()).await,
            Err(e) => return self.refuse(id, Refusal::new("internal", e.to_string())).await,
        };
        let seq = feed.snapshot.seq;
        let reply = Reply { id, ok: Some(feed.snapshot), error: None };
        let mut text = serde_json::to_string(&reply)?;
        text.push('\n');
        for row in &feed.missed {
            text.push_str(&Sent::event(row).line);
        }
        self.feed = Some(Feed { run, seq, lines: feed.lines });
        self.send(&text).await
    }

    async fn resync(&mut self) -> std::io::Result<()> {
        let Some(run) = self.feed.as_ref().map(|f| f.run.clone()) else { return Ok(()) };
        let (core, wanted) = (Arc::clone(&self.core), run.clone());
        let made = tokio::task::spawn_blocking(move || core.subscribe(None, wanted.as_ref()));
        let Ok(Ok(feed)) = made.await else {
            // A client that is dropped subscribes anew; one with a gap would never know.
            return Err(std::io::ErrorKind::Other.into());
        };
        self.feed = Some(Feed { run, seq: feed.snapshot.seq, lines: feed.lines });
        let mut text = serde_json::to_string(&Push::Resync(feed.snapshot))?;
        text.push('\n');
        self.send(&text).await
    }

    async fn pass_on(&mut self, sent: &Sent) -> std::io::Result<()> {
        let Some(feed) = self.feed.as_mut().filter(|f| f.wants(sent)) else { return Ok(()) };
        feed.seq = sent.seq.unwrap_or(feed.seq);
        self.send(&sent.line).await
    }

    async fn refuse(&mut self, id: u64, refusal: Refusal) -> std::io::Result<()> {
        let reply = Reply::<()> { id, ok: None, error: Some(refusal) };
        let mut text = serde_json::to_string(&reply)?;
        text.push('\n');
        self.send(&text).await
    }

    async fn send(&mut self, text: &str) -> std::io::Result<()> {
        self.write.write_all(text.as_bytes()).await
    }
}

/// The next line of a subscription; never, without one.
async fn next(feed: &mut Option<Feed>) -> Heard {
    let Some(feed) = feed else { return std::future::pending().await };
    match feed.lines.recv().await {
        Ok(sent) => Heard::Sent(sent),
        Err(RecvError::Lagged(_)) => Heard::Behind,
        // The engine ends; the connection is closed with it.
        Err(RecvError::Closed) => std::future::pending().await,
    }
}
