//! The requests: what a file is (HEAD), then its bytes (GET, from where the last try broke off).

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, RANGE};
use reqwest::{Client, Method, Response, StatusCode, Url, redirect};
use sha2::{Digest, Sha256};

use super::cache::{Cached, check_names, check_served, make_parent};
use super::{Hub, HubError, OnProgress, Progress};

/// Tries of one file that bring no further byte.
const TRIES: usize = 5;
const HOPS: usize = 5;

/// What the hub says about a file before it is fetched.
struct Described {
    commit: String,
    /// sha256 for large files, a git hash for small ones.
    etag: String,
    size: Option<u64>,
}

/// Requests for one repository.
struct Session<'a> {
    hub: &'a Hub,
    repo: &'a str,
    revision: &'a str,
    /// Follows no redirect: the first answers carry what we want to know.
    ask: Client,
    get: Client,
}

impl Hub {
    /// As [`super::fetch`], with these settings. Blocks; safe to call from asynchronous code's
    /// blocking threads.
    ///
    /// # Errors
    /// As there.
    pub fn fetch(
        &self,
        repo: &str,
        revision: &str,
        files: &[(&str, bool)],
        progress: &mut OnProgress<'_>,
    ) -> Result<PathBuf, HubError> {
        check_names(repo, revision, files)?;
        // Required files first: they say which commit the optional ones would be missing from.
        let mut files = files.to_vec();
        files.sort_by_key(|(_, required)| !required);
        let files = &files[..];
        let cached = Cached::new(&self.cache, repo);
        let known = cached.commit_of(revision);
        let missing = match &known {
            Some(commit) => cached.missing(commit, files),
            None => files.first().copied(),
        };
        if let (Some(commit), None) = (&known, missing) {
            return Ok(cached.snapshot(commit));
        }
        if self.offline {
            // An optional file nobody asked the hub about is no reason to fail.
            let required = files.iter().copied().filter(|f| f.1).collect::<Vec<_>>();
            let missing = known.as_ref().and_then(|c| cached.missing(c, &required));
            return match (known, missing) {
                (Some(commit), None) => Ok(cached.snapshot(&commit)),
                (_, missing) => Err(HubError::Offline {
                    repo: repo.into(),
                    revision: revision.into(),
                    file: missing.or(required.first().copied()).map_or("", |f| f.0).into(),
                    cache: self.cache.clone(),
                }),
            };
        }
        // A runtime of its own on a thread of its own: the caller may already be inside one.
        std::thread::scope(|scope| {
            let work = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(|e| HubError::Setup(e.to_string()))?;
                runtime.block_on(self.fetch_online(repo, revision, files, &cached, progress))
            });
            work.join().unwrap_or_else(|_| Err(HubError::Setup("the download panicked".into())))
        })
    }

    async fn fetch_online(
        &self,
        repo: &str,
        revision: &str,
        files: &[(&str, bool)],
        cached: &Cached,
        progress: &mut OnProgress<'_>,
    ) -> Result<PathBuf, HubError> {
        let session = Session::new(self, repo, revision)?;
        // All files of one commit, even if the branch moves meanwhile.
        let mut commit = cached.commit_of(revision);
        for (file, required) in files {
            if commit.as_ref().is_some_and(|c| cached.missing(c, &[(*file, *required)]).is_none()) {
                continue;
            }
            let described =
                match session.describe(commit.as_deref().unwrap_or(revision), file).await {
                    Err(HubError::NotFound { .. }) if !required && commit.is_some() => {
                        if let Some(commit) = &commit {
                            cached.remember_absence(commit, file)?;
                        }
                        continue;
                    }
                    other => other?,
                };
            session.download(cached, file, &described, progress).await?;
            cached.link(&described.commit, file, &described.etag)?;
            commit = Some(described.commit);
        }
        let commit = commit.ok_or_else(|| HubError::Setup("no files were asked for".into()))?;
        // Last: a revision that is known is complete.
        cached.remember_commit(revision, &commit)?;
        Ok(cached.snapshot(&commit))
    }
}

/// Address without query: signed addresses are secrets.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}

/// `W/"abc"` and `"abc"` are `abc`.
fn bare(etag: &str) -> &str {
    etag.trim_start_matches("W/").trim_matches('"')
}

impl<'a> Session<'a> {
    fn new(hub: &'a Hub, repo: &'a str, revision: &'a str) -> Result<Self, HubError> {
        // Fails when a provider is installed already, and that is all we want.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut headers = HeaderMap::new();
        if let Some(token) = hub.token_to_send() {
            let value = format!("Bearer {}", token.secret());
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_| HubError::Setup("HF_TOKEN holds a character no token has".into()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = |policy| {
            Client::builder()
                .user_agent(concat!("polyculture/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(Duration::from_secs(20))
                .read_timeout(Duration::from_mins(1))
                // Dropped by the client where a redirect leaves the endpoint's host.
                .default_headers(headers.clone())
                .redirect(policy)
                .build()
                .map_err(|e| HubError::Setup(e.to_string()))
        };
        Ok(Self {
            hub,
            repo,
            revision,
            ask: client(redirect::Policy::none())?,
            get: client(redirect::Policy::limited(10))?,
        })
    }

    fn url(&self, revision: &str, file: &str) -> Result<Url, HubError> {
        let revision = revision.replace('/', "%2F");
        let url = format!("{}/{}/resolve/{revision}/{file}", self.hub.endpoint, self.repo);
        Url::parse(&url).map_err(|e| HubError::Answer { url, reason: e.to_string() })
    }

    /// Sends a request until an answer comes.
    async fn send(
        &self,
        client: &Client,
        method: Method,
        url: &Url,
        from: u64,
    ) -> Result<Response, HubError> {
        let mut wait = self.hub.retry_wait;
        for left in (0..TRIES).rev() {
            let mut request = client.request(method.clone(), url.clone());
            request = request.header("accept-encoding", "identity");
            if from > 0 {
                request = request.header(RANGE, format!("bytes={from}-"));
            }
            let reason = match request.send().await {
                Ok(answer) if answer.status().is_server_error() && left > 0 => {
                    format!("HTTP {}", answer.status().as_u16())
                }
                Ok(answer) => return Ok(answer),
                Err(e) => causes(&e.without_url()),
            };
            if left == 0 {
                return Err(HubError::Network { url: shown(url), reason, tries: TRIES });
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        Err(HubError::Setup("no try was made".into()))
    }

    fn refusal(&self, file: &str, url: &Url, answer: &Response) -> Option<HubError> {
        let status = answer.status();
        let code = text(answer.headers(), "x-error-code").unwrap_or_default();
        let what = match code {
            "RepoNotFound" => "repository".to_owned(),
            "RevisionNotFound" => "revision".to_owned(),
            _ => format!("file `{file}`"),
        };
        match status {
            StatusCode::NOT_FOUND => Some(HubError::NotFound {
                repo: self.repo.into(),
                revision: self.revision.into(),
                what,
                status: 404,
                hint: if self.hub.token.is_none() {
                    ", or set HF_TOKEN if it is private"
                } else {
                    ""
                },
            }),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Some(HubError::Denied { repo: self.repo.into(), status: status.as_u16() })
            }
            s if s.is_client_error() || s.is_server_error() => Some(HubError::Answer {
                url: shown(url),
                reason: format!("HTTP {}: try again later", s.as_u16()),
            }),
            _ => None,
        }
    }

    /// Asks for a file's commit, etag and size. Redirects inside the endpoint are followed by hand
    /// (a repository that was renamed); one that leaves it leads to the bytes, not to answers.
    async fn describe(&self, revision: &str, file: &str) -> Result<Described, HubError> {
        let mut url = self.url(revision, file)?;
        let (mut commit, mut linked, mut linked_size) = (None, None, None);
        for _ in 0..HOPS {
            let answer = self.send(&self.ask, Method::HEAD, &url, 0).await?;
            if let Some(refusal) = self.refusal(file, &url, &answer) {
                return Err(refusal);
            }
            let headers = answer.headers();
            let number = |name| text(headers, name).and_then(|v| v.parse::<u64>().ok());
            commit = commit.or_else(|| text(headers, "x-repo-commit").map(str::to_owned));
            linked = linked.or_else(|| text(headers, "x-linked-etag").map(str::to_owned));
            linked_size = linked_size.or_else(|| number("x-linked-size"));
            let target = text(headers, LOCATION.as_str()).and_then(|l| url.join(l).ok());
            if let Some(target) = target.filter(|_| answer.status().is_redirection())
                && target.origin() == url.origin()
            {
                url = target;
                continue;
            }
            let redirected = answer.status().is_redirection();
            let etag = linked.or_else(|| text(headers, "etag").map(str::to_owned));
            let size = linked_size.or_else(|| number("content-length").filter(|_| !redirected));
            let (Some(commit), Some(etag)) = (commit, etag) else {
                return Err(HubError::Answer {
                    url: shown(&url),
                    reason:
                        "no commit or etag in the answer: this is not a hub (check HF_ENDPOINT)"
                            .into(),
                });
            };
            let etag = bare(&etag).to_owned();
            check_served("commit", &commit)?;
            check_served("etag", &etag)?;
            return Ok(Described { commit, etag, size });
        }
        Err(HubError::Answer { url: shown(&url), reason: "it redirects in a circle".into() })
    }

    async fn download(
        &self,
        cached: &Cached,
        file: &str,
        described: &Described,
        progress: &mut OnProgress<'_>,
    ) -> Result<(), HubError> {
        let blob = cached.blob(&described.etag);
        let _lock = cached.lock(&described.etag)?;
        if blob.exists() {
            return Ok(());
        }
        make_parent(&blob)?;
        let part = blob.with_file_name(format!("{}.incomplete", described.etag));
        let url = self.url(&described.commit, file)?;
        let mut wait = self.hub.retry_wait;
        let mut tries = 0;
        loop {
            let before = length(&part)?;
            let reason = self.receive(file, &url, described, &part, progress).await?;
            let now = length(&part)?;
            let Some(reason) = reason else { break };
            tries = if now > before { 1 } else { tries + 1 };
            if tries >= TRIES {
                return Err(HubError::Network { url: shown(&url), reason, tries });
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        verify(file, &part, &described.etag)?;
        fs::rename(&part, &blob).map_err(HubError::io(&blob))
    }

    /// One GET, appended to what is there. `Some(reason)` when it broke off and may go on.
    async fn receive(
        &self,
        file: &str,
        url: &Url,
        described: &Described,
        part: &Path,
        progress: &mut OnProgress<'_>,
    ) -> Result<Option<String>, HubError> {
        let mut done = length(part)?;
        if described.size == Some(done) && done > 0 {
            return Ok(None);
        }
        let mut answer = self.send(&self.get, Method::GET, url, done).await?;
        // Longer than the file is: it belongs to something else.
        if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            fs::remove_file(part).map_err(HubError::io(part))?;
            return Ok(Some("the part that was there does not fit the file".into()));
        }
        if let Some(refusal) = self.refusal(file, url, &answer) {
            return Err(refusal);
        }
        // A server that ignores the range sends the whole file again.
        if answer.status() != StatusCode::PARTIAL_CONTENT {
            done = 0;
        } else if !text(answer.headers(), "content-range")
            .is_some_and(|r| r.starts_with(&format!("bytes {done}-")))
        {
            return Err(HubError::Answer {
                url: shown(url),
                reason: format!("another part of the file came than the one from byte {done}"),
            });
        }
        let mut to =
            OpenOptions::new().create(true).append(true).open(part).map_err(HubError::io(part))?;
        to.set_len(done).map_err(HubError::io(part))?;
        progress(Progress { file, done, total: described.size });
        let broken = loop {
            match answer.chunk().await {
                Ok(Some(bytes)) => {
                    to.write_all(&bytes).map_err(HubError::io(part))?;
                    done += bytes.len() as u64;
                    progress(Progress { file, done, total: described.size });
                }
                Ok(None) => break None,
                Err(e) => break Some(causes(&e.without_url())),
            }
        };
        to.sync_all().map_err(HubError::io(part))?;
        Ok(match (broken, described.size) {
            (Some(reason), _) => Some(reason),
            (None, Some(size)) if size > done => {
                Some(format!("the connection ended after {done} of {size} bytes"))
            }
            (None, Some(size)) if size < done => {
                fs::remove_file(part).map_err(HubError::io(part))?;
                Some(format!("{done} bytes came, expected {size}"))
            }
            (None, _) => None,
        })
    }
}

/// An error with what caused it: "error sending request" alone says nothing.
fn causes(e: &dyn std::error::Error) -> String {
    let mut text = e.to_string();
    let mut next = e.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

fn length(path: &Path) -> Result<u64, HubError> {
    match fs::metadata(path) {
        Ok(m) => Ok(m.len()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(e) => Err(HubError::io(path)(e)),
    }
}

/// Large files carry their sha256 as etag. Small ones carry a git hash (sha1), which is not checked:
/// their length was.
fn verify(file: &str, part: &Path, etag: &str) -> Result<(), HubError> {
    if etag.len() != 64 || !etag.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(());
    }
    let mut from = File::open(part).map_err(HubError::io(part))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = from.read(&mut buffer).map_err(HubError::io(part))?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
    }
    let have = hash.finalize().iter().fold(String::new(), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    });
    if have.eq_ignore_ascii_case(etag) {
        return Ok(());
    }
    fs::remove_file(part).map_err(HubError::io(part))?;
    Err(HubError::Checksum { file: file.into(), want: etag.into(), have })
}
