//! The files: read through once for their keys, then by offset; appended to with one write a line.
//! A line is in the page cache before its reply is reported, so that no kill of this process loses
//! it; it is made durable in groups, by a thread of its own, and at the end.

use std::collections::{BTreeSet, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::record::Head;
use super::{ReplyKey, StoredReply};
use crate::job::JsonlWriter;
use crate::providers::budget::{Budget, Meter};
use crate::providers::{ProviderError, ReplyPlaces};

/// Lines that may wait for the disk, and how long.
const GROUP: usize = 256;
const GROUP_TIME: Duration = Duration::from_secs(1);

/// Where a reply lies.
#[derive(Debug, Clone, Copy)]
struct Spot {
    file: u32,
    offset: u64,
    length: u32,
}

/// The raw replies that a job may use, and the file that it appends to.
#[derive(Debug)]
pub struct Replies {
    inner: Mutex<Inner>,
    meter: Arc<Meter>,
}

#[derive(Debug)]
struct Inner {
    index: HashMap<ReplyKey, Spot>,
    files: Vec<(PathBuf, File)>,
    write: Option<Appending>,
    /// Where nothing is written, what was answered is remembered here.
    memory: HashMap<ReplyKey, StoredReply>,
}

#[derive(Debug)]
struct Appending {
    path: PathBuf,
    file: Arc<File>,
    /// Its place in `files`.
    number: u32,
    end: u64,
    waiting: usize,
    since: Instant,
    syncer: SyncSender<()>,
    trouble: Arc<Mutex<Option<String>>>,
}

/// Stores that are open in this process, by the file they append to: two models of one job share
/// their file, their index and their limits.
static OPEN: Mutex<Vec<(PathBuf, Weak<Replies>)>> = Mutex::new(Vec::new());

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn trouble(path: &Path) -> impl FnOnce(std::io::Error) -> ProviderError {
    let path = path.display().to_string();
    move |e| ProviderError::Replies { path, detail: e.to_string() }
}

impl Replies {
    /// Opens the places of a job. A torn last line is cut off; other files are only read, without
    /// their torn last lines, and a missing one is empty.
    ///
    /// # Errors
    /// A file that cannot be opened or read; a budget file that does not parse.
    pub fn open(places: &ReplyPlaces) -> Result<Arc<Self>, ProviderError> {
        let mut open = held(&OPEN);
        open.retain(|(_, store)| store.strong_count() > 0);
        if let Some(write) = &places.write
            && let Some(store) =
                open.iter().find(|(path, _)| path == write).and_then(|(_, s)| s.upgrade())
        {
            return Ok(store);
        }
        let store = Arc::new(Self::fresh(places)?);
        if let Some(write) = &places.write {
            open.push((write.clone(), Arc::downgrade(&store)));
        }
        Ok(store)
    }

    fn fresh(places: &ReplyPlaces) -> Result<Self, ProviderError> {
        let meter =
            Meter::new(places.budget.as_deref().map_or(Ok(Budget::default()), Budget::read)?);
        let mut inner =
            Inner { index: HashMap::new(), files: Vec::new(), write: None, memory: HashMap::new() };
        if let Some(path) = &places.write {
            // Cuts the torn line.
            JsonlWriter::append(path).map_err(|e| ProviderError::Replies {
                path: path.display().to_string(),
                detail: e.to_string(),
            })?;
        }
        // The newest comes first in `read`; it is read last, so that it wins.
        for path in places.read.iter().rev() {
            if Some(path) != places.write.as_ref() {
                inner.read(path, same_run(path, places.write.as_deref()).then_some(&meter))?;
            }
        }
        if let Some(path) = &places.write {
            let end = inner.read(path, Some(&meter))?.unwrap_or(0);
            inner.write = Some(Appending::start(path, (inner.files.len() - 1) as u32, end)?);
        }
        Ok(Self { inner: Mutex::new(inner), meter: Arc::new(meter) })
    }

    /// What the run has spent, attempts before this one included, and what it may spend.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Replies that need not be paid for.
    pub fn len(&self) -> usize {
        held(&self.inner).index.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The reply of a request, where there is one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn get(&self, key: &ReplyKey) -> Result<Option<StoredReply>, ProviderError> {
        let inner = held(&self.inner);
        let Some(spot) = inner.index.get(key).copied() else {
            return Ok(inner.memory.get(key).cloned());
        };
        let (path, file) = &inner.files[spot.file as usize];
        let mut line = vec![0; spot.length as usize];
        file.read_exact_at(&mut line, spot.offset).map_err(trouble(path))?;
        Ok(serde_json::from_slice(&line).ok())
    }

    /// Appends a reply: it outlives a kill of this process from here on.
    ///
    /// # Errors
    /// The disk is full or failed.
    pub fn keep(&self, reply: &StoredReply) -> Result<(), ProviderError> {
        let mut inner = held(&self.inner);
        let key = if reply.failed.is_none() { reply.key.parse().ok() } else { None };
        let Inner { index, write: Some(w), .. } = &mut *inner else {
            if let Some(key) = key {
                inner.memory.insert(key, reply.clone());
            }
            return Ok(());
        };
        let said =
            |e: String| ProviderError::Replies { path: w.path.display().to_string(), detail: e };
        let mut line = serde_json::to_vec(reply).map_err(|e| said(e.to_string()))?;
        line.push(b'\n');
        if let Some(e) = held(&w.trouble).take() {
            return Err(said(e));
        }
        (&*w.file).write_all(&line).map_err(|e| said(e.to_string()))?;
        if let Some(key) = key {
            let spot = Spot { file: w.number, offset: w.end, length: line.len() as u32 - 1 };
            index.insert(key, spot);
        }
        w.end += line.len() as u64;
        w.waiting += 1;
        if w.waiting >= GROUP || w.since.elapsed() >= GROUP_TIME {
            // Full: it is at work, and will see these lines or be told again.
            if w.syncer.try_send(()).is_ok() {
                (w.waiting, w.since) = (0, Instant::now());
            }
        }
        Ok(())
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// The disk failed.
    pub fn sync(&self) -> Result<(), ProviderError> {
        let inner = held(&self.inner);
        let Some(w) = &inner.write else { return Ok(()) };
        w.file.sync_data().map_err(trouble(&w.path))?;
        match held(&w.trouble).take() {
            Some(detail) => {
                Err(ProviderError::Replies { path: w.path.display().to_string(), detail })
            }
            None => Ok(()),
        }
    }
}

/// `runs/RUN/attempt-1/replies.jsonl` beside `runs/RUN/attempt-2/replies.jsonl`: what stands there
/// was paid for by this run.
fn same_run(path: &Path, write: Option<&Path>) -> bool {
    let run = |p: &Path| p.parent().and_then(Path::parent).map(Path::to_owned);
    write.is_some_and(|w| path.file_name() == w.file_name() && run(path) == run(w))
}

impl Inner {
    /// Takes in the keys of a file; its length up to the last whole line. `None`: there is none.
    fn read(&mut self, path: &Path, meter: Option<&Meter>) -> Result<Option<u64>, ProviderError> {
        let file = match File::open(path) {
            Ok(f) => f,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(trouble(path)(e)),
        };
        let number = self.files.len() as u32;
        let mut offset = 0;
        each_line(&file, |line| {
            // A line that is no reply is left alone: the worst is that one call is paid again.
            if let Ok(head) = serde_json::from_slice::<Head<'_>>(line) {
                if let Some(key) = head.usable_key() {
                    let spot = Spot { file: number, offset, length: line.len() as u32 };
                    self.index.insert(key, spot);
                }
                if let Some(meter) = meter {
                    meter.spent_before(head.tries, head.usage, head.cost);
                }
            }
            offset += line.len() as u64 + 1;
        })
        .map_err(trouble(path))?;
        self.files.push((path.to_owned(), file));
        Ok(Some(offset))
    }
}

fn each_line(file: &File, mut take: impl FnMut(&[u8])) -> std::io::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line)?;
        match line.strip_suffix(b"\n") {
            Some(whole) => take(whole),
            None => return Ok(()),
        }
    }
}

impl Appending {
    fn start(path: &Path, number: u32, end: u64) -> Result<Self, ProviderError> {
        let file = Arc::new(OpenOptions::new().append(true).open(path).map_err(trouble(path))?);
        let problem = Arc::new(Mutex::new(None));
        // Ends when the sender is dropped.
        let (syncer, asked) = sync_channel::<()>(1);
        let (disk, told) = (Arc::clone(&file), Arc::clone(&problem));
        std::thread::Builder::new()
            .name("replies".into())
            .spawn(move || {
                while asked.recv().is_ok() {
                    if let Err(e) = disk.sync_data() {
                        *held(&told) = Some(e.to_string());
                    }
                }
            })
            .map_err(trouble(path))?;
        let (path, since) = (path.to_owned(), Instant::now());
        Ok(Self { path, file, number, end, waiting: 0, since, syncer, trouble: problem })
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        // Whoever cares about errors called `sync`.
        let _ = self.sync();
    }
}

/// The last lines that stand under some keys in the given files, failed ones included: the files
/// are read once.
///
/// # Errors
/// A file that cannot be read.
pub fn find_all(
    paths: &[PathBuf],
    wanted: &BTreeSet<ReplyKey>,
) -> Result<HashMap<ReplyKey, StoredReply>, ProviderError> {
    let mut found = HashMap::new();
    each_line_of(paths, |line| {
        // The key alone is read of the many lines that nobody asked for.
        if let Ok(head) = serde_json::from_slice::<Head<'_>>(line)
            && let Some(key) = head.key().filter(|k| wanted.contains(k))
            && let Ok(reply) = serde_json::from_slice::<StoredReply>(line)
        {
            found.insert(key, reply);
        }
    })?;
    Ok(found)
}

/// The last line that stands under a key in the given files, failed ones included: for showing a
/// reply later.
///
/// # Errors
/// A file that cannot be read.
pub fn find(paths: &[PathBuf], key: &ReplyKey) -> Result<Option<StoredReply>, ProviderError> {
    let wanted = key.to_string();
    let mut found = None;
    each_line_of(paths, |line| {
        if memchr::memmem::find(line, wanted.as_bytes()).is_some()
            && let Ok(reply) = serde_json::from_slice::<StoredReply>(line)
            && reply.key == wanted
        {
            found = Some(reply);
        }
    })?;
    Ok(found)
}

/// The lines of all files that are there, one after the other.
fn each_line_of(paths: &[PathBuf], mut f: impl FnMut(&[u8])) -> Result<(), ProviderError> {
    for path in paths {
        let file = match File::open(path) {
            Ok(f) => f,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(trouble(path)(e)),
        };
        each_line(&file, &mut f).map_err(trouble(path))?;
    }
    Ok(())
}
