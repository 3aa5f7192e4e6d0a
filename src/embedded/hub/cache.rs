//! The hub's cache layout: `models--ORG--NAME/{refs, blobs, snapshots/COMMIT}`, with links from a
//! snapshot's files to blobs named by their etag.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use super::HubError;

/// One repository in the cache.
#[derive(Debug)]
pub(super) struct Cached {
    root: PathBuf,
    locks: PathBuf,
}

/// True for a name that stays where it is put: no empty, hidden-parent or absolute parts.
fn is_plain_path(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    text.len() <= 200 && text.split('/').all(plain)
}

/// Refuses names that could leave the cache or the address.
pub(super) fn check_names(
    repo: &str,
    revision: &str,
    files: &[(&str, bool)],
) -> Result<(), HubError> {
    let bad = |what, value: &str, expected| {
        Err(HubError::BadName { what, value: value.to_owned(), expected })
    };
    if !is_plain_path(repo) || repo.split('/').count() > 2 || repo.contains("--") {
        return bad("repository", repo, "ORG/NAME of letters, digits, `-`, `_` and `.`");
    }
    if !is_plain_path(revision) {
        return bad("revision", revision, "a branch, tag or commit");
    }
    match files.iter().find(|(name, _)| !is_plain_path(name)) {
        Some((name, _)) => bad("file", name, "a path inside the repository"),
        None => Ok(()),
    }
}

/// A commit or etag that the server names and that becomes a file name here.
pub(super) fn check_served(what: &'static str, value: &str) -> Result<(), HubError> {
    if is_plain_path(value) && !value.contains('/') {
        return Ok(());
    }
    Err(HubError::BadName {
        what,
        value: value.to_owned(),
        expected: "letters and digits; the answer does not come from a hub",
    })
}

impl Cached {
    pub(super) fn new(cache: &Path, repo: &str) -> Self {
        let name = format!("models--{}", repo.replace('/', "--"));
        Self { root: cache.join(&name), locks: cache.join(".locks").join(name) }
    }

    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.root.join("blobs").join(etag)
    }

    fn absence(&self, commit: &str, file: &str) -> PathBuf {
        self.root.join(".no_exist").join(commit).join(file)
    }

    /// The commit of a revision, where the cache knows it (a commit is its own).
    pub(super) fn commit_of(&self, revision: &str) -> Option<String> {
        if let Ok(commit) = fs::read_to_string(self.root.join("refs").join(revision)) {
            let commit = commit.trim().to_owned();
            return check_served("commit", &commit).is_ok().then_some(commit);
        }
        let is_commit = revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit());
        is_commit.then(|| revision.to_owned())
    }

    /// The first file that is neither there nor known to be absent.
    pub(super) fn missing<'f>(
        &self,
        commit: &str,
        files: &[(&'f str, bool)],
    ) -> Option<(&'f str, bool)> {
        files.iter().copied().find(|(name, required)| {
            !self.snapshot(commit).join(name).exists()
                && (*required || !self.absence(commit, name).exists())
        })
    }

    pub(super) fn remember_commit(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        if revision == commit {
            return Ok(());
        }
        write_whole(&self.root.join("refs").join(revision), commit)
    }

    pub(super) fn remember_absence(&self, commit: &str, file: &str) -> Result<(), HubError> {
        write_whole(&self.absence(commit, file), "")
    }

    /// Held while a blob is written: a second process waits and then finds it there.
    pub(super) fn lock(&self, etag: &str) -> Result<File, HubError> {
        let path = self.locks.join(format!("{etag}.lock"));
        make_parent(&path)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(HubError::io(&path))?;
        file.lock().map_err(HubError::io(&path))?;
        Ok(file)
    }

    /// Links a snapshot's file to its blob, relatively, so that the cache can be moved.
    pub(super) fn link(&self, commit: &str, file: &str, etag: &str) -> Result<(), HubError> {
        let path = self.snapshot(commit).join(file);
        make_parent(&path)?;
        let up = "../".repeat(file.matches('/').count() + 2);
        // Made aside and moved: another process may put the same link there at the same time.
        let parent = path.parent().unwrap_or(&path);
        let aside = tempfile::Builder::new()
            .make_in(parent, |at| std::os::unix::fs::symlink(format!("{up}blobs/{etag}"), at))
            .map_err(HubError::io(&path))?;
        aside.persist(&path).map_err(|e| HubError::io(&path)(e.error))
    }
}

pub(super) fn make_parent(path: &Path) -> Result<(), HubError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(HubError::io(parent))
}

/// Writes a small file so that nobody sees half of it.
fn write_whole(path: &Path, text: &str) -> Result<(), HubError> {
    make_parent(path)?;
    let parent = path.parent().unwrap_or(path);
    let mut file = tempfile::NamedTempFile::new_in(parent).map_err(HubError::io(path))?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(HubError::io(path))?;
    file.persist(path).map(|_| ()).map_err(|e| HubError::io(path)(e.error))
}
