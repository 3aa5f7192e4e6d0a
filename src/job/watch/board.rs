//! TensorBoard's event files of a folder and the folders in it.
//!
//! The files of one folder follow each other by name, as TensorBoard reads them. Folders whose
//! times do not overlap are starts of one run (transformers opens a new one at each start); a
//! folder that overlaps the newest is a run of its own, and its curves bear its name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::event_file::{Frame, event, frame};
use super::names;
use super::tail::{Look, Tail};
use crate::job::{Curve, Curves, JobError};

/// One file.
#[derive(Debug, Clone, PartialEq, Default)]
struct File {
    tail: Tail,
    /// Bytes at which no record begins: it is asked again when the file changes.
    broken: bool,
}

/// One folder.
#[derive(Debug, Clone, PartialEq, Default)]
struct Folder {
    files: Vec<File>,
    curves: Curves,
    times: Option<(f64, f64)>,
    /// Tags as they were met, with their curves: tags come in turn.
    tags: Vec<(String, Curve)>,
    next: usize,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Board {
    root: PathBuf,
    folders: BTreeMap<PathBuf, Folder>,
    /// The curves of them all.
    pub curves: Curves,
}

/// Names of folders that split one run into what was measured on what.
const TRAIN: [&str; 2] = ["train", "training"];
const EVAL: [&str; 5] = ["validation", "val", "eval", "test", "dev"];

impl Board {
    /// Of a folder.
    pub fn new(root: PathBuf) -> Self {
        Self { root, ..Self::default() }
    }

    /// Takes in these files' growth (sorted by path); true when there was some.
    pub fn refresh(&mut self, files: &[PathBuf]) -> Result<bool, JobError> {
        let mut news = false;
        for path in files {
            let dir = path.parent().unwrap_or(&self.root).to_owned();
            let folder = self.folders.entry(dir).or_default();
            if !folder.files.iter().any(|f| f.tail.path() == path) {
                folder.files.push(File { tail: Tail::new(path), broken: false });
            }
        }
        for (dir, folder) in &mut self.folders {
            let mut read = folder.refresh()?;
            if read.is_none() {
                // What came from a file that is gone cannot be told from the rest: all is read anew.
                let there = files.iter().filter(|f| f.parent() == Some(dir));
                let tails = there.map(|p| File { tail: Tail::new(p), broken: false });
                *folder = Folder { files: tails.collect(), ..Folder::default() };
                folder.refresh()?;
                read = Some(true);
            }
            news |= read == Some(true);
        }
        self.folders.retain(|_, f| !f.files.is_empty());
        if news {
            self.join();
        }
        Ok(news)
    }

    /// Bytes read, and files.
    pub fn read(&self) -> (u64, usize) {
        let files = || self.folders.values().flat_map(|f| &f.files);
        (files().map(|f| f.tail.offset()).sum(), files().count())
    }

    /// The newest change of a file, seconds since 1970.
    pub fn modified(&self) -> Option<f64> {
        let files = self.folders.values().flat_map(|f| &f.files);
        files.filter_map(|f| f.tail.modified()).max_by(f64::total_cmp)
    }

    /// Files that end in what is no record.
    pub fn broken(&self) -> usize {
        self.folders.values().flat_map(|f| &f.files).filter(|f| f.broken).count()
    }

    /// Makes the curves of all folders one set.
    fn join(&mut self) {
        let mut groups: BTreeMap<PathBuf, Vec<(&Path, &Folder)>> = BTreeMap::new();
        for (dir, folder) in &self.folders {
            let split = split_of(dir).is_some() && *dir != self.root;
            let key = if split { dir.parent().unwrap_or(dir) } else { dir };
            groups.entry(key.to_owned()).or_default().push((dir, folder));
        }
        let times = |g: &[(&Path, &Folder)]| {
            let all = || g.iter().filter_map(|(_, f)| f.times);
            let begin = all().map(|t| t.0).fold(f64::INFINITY, f64::min);
            (begin, all().map(|t| t.1).fold(f64::NEG_INFINITY, f64::max))
        };
        let mut sorted: Vec<_> = groups.into_iter().collect();
        sorted.sort_by(|a, b| times(&a.1).0.total_cmp(&times(&b.1).0));
        // From the newest one back, those that had ended before the next one began.
        let mut begins = f64::INFINITY;
        let mut own = vec![false; sorted.len()];
        for (i, (_, group)) in sorted.iter().enumerate().rev() {
            let (begin, end) = times(group);
            own[i] = end <= begins;
            if own[i] {
                begins = begin;
            }
        }
        let mut out = Curves::default();
        for (i, (key, group)) in sorted.iter().enumerate() {
            for (dir, folder) in group {
                out.unreadable += folder.curves.unreadable;
                let eval = split_of(dir) == Some(true) && **dir != self.root;
                if own[i] {
                    *out.pace_mut() = folder.curves.pace;
                }
                for (tag, curve) in &folder.tags {
                    let mut name = names::ours(tag);
                    if eval && !name.starts_with("eval_") {
                        name = format!("eval_{}", name.trim_start_matches("epoch_"));
                    }
                    if !own[i] {
                        let short = key.strip_prefix(&self.root).unwrap_or(key);
                        name = format!("{name} ({})", short.display());
                    }
                    out.of.entry(name).or_default().follow(curve);
                }
            }
        }
        self.curves = out;
    }
}

/// `Some(true)` for a folder of what was measured on held-out data, `Some(false)` for training.
fn split_of(dir: &Path) -> Option<bool> {
    let name = dir.file_name()?.to_str()?.to_lowercase();
    if EVAL.contains(&name.as_str()) {
        return Some(true);
    }
    TRAIN.contains(&name.as_str()).then_some(false)
}

impl Folder {
    /// True when something was read, `None` when a file is another one now.
    fn refresh(&mut self) -> Result<Option<bool>, JobError> {
        let mut files = std::mem::take(&mut self.files);
        let read = self.read(&mut files);
        self.files = files;
        read
    }

    fn read(&mut self, files: &mut [File]) -> Result<Option<bool>, JobError> {
        let mut news = false;
        for (i, f) in files.iter_mut().enumerate() {
            match f.tail.look()? {
                Look::Grown => {
                    let first = f.tail.offset() == 0;
                    self.feed(f, first && i > 0)?;
                    news = true;
                }
                Look::Same | Look::Missing => {}
                Look::Replaced => return Ok(None),
            }
        }
        Ok(Some(news))
    }

    fn feed(&mut self, f: &mut File, new: bool) -> Result<(), JobError> {
        if new {
            // Another start of the trainer: its pace is its own.
            self.curves.pace.restart();
        }
        let mut broken = false;
        f.tail.feed(&mut |bytes| {
            let mut at = 0;
            loop {
                match frame(&bytes[at..]) {
                    Frame::Whole(message, n) => {
                        self.take(message, new);
                        at += n;
                    }
                    Frame::Bad(n) => {
                        self.curves.unreadable += 1;
                        at += n;
                    }
                    Frame::Torn => return at,
                    Frame::Broken => {
                        broken = true;
                        return at;
                    }
                }
            }
        })?;
        f.broken = broken;
        Ok(())
    }

    fn take(&mut self, message: &[u8], new: bool) {
        let Self { tags, next, curves, times, .. } = self;
        let mut scalars = false;
        let (time, step) = event(message, &mut |step, scalar| {
            scalars = true;
            let Ok(step) = u64::try_from(step) else { return };
            let at = match tags.get(*next) {
                Some((tag, _)) if tag == scalar.tag => *next,
                _ => match tags.iter().position(|(t, _)| t == scalar.tag) {
                    Some(i) => i,
                    None => {
                        tags.push((scalar.tag.to_owned(), Curve::default()));
                        tags.len() - 1
                    }
                },
            };
            let curve = &mut tags[at].1;
            // A start that does steps again takes the place of what was done before.
            let back = curve.last.is_some_and(|l| step < l.0 || new && step == l.0);
            if back {
                curve.cut(step);
            }
            curve.add(step, scalar.value);
            *next = at + 1;
            if *next == tags.len() {
                *next = 0;
            }
        });
        if !scalars || !time.is_finite() {
            return;
        }
        let (begin, end) = times.unwrap_or((time, time));
        *times = Some((begin.min(time), end.max(time)));
        if let Ok(step) = u64::try_from(step) {
            curves.pace_mut().at(time, step);
        }
    }
}
