//! The key: fetched when it is needed, sent in one header, and printed nowhere.

use std::fmt;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::config::{KeySource, ProviderSettings};
use crate::providers::ProviderError;

/// A password manager may ask a person first.
const PATIENCE: Duration = Duration::from_mins(2);

/// A key that does not print itself, and that strikes itself out of what others print.
#[derive(Clone, Default)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// Wraps a key; blank space around it goes.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For the one header that carries it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// The text without the key, should it be in there, as it is or as JSON writes it. Words of
    /// fewer than eight characters (`EMPTY`, `none`: what local servers are given) are no secrets,
    /// and striking them out would change replies.
    pub fn strike(&self, text: String) -> String {
        if self.0.len() < 8 {
            return text;
        }
        let quoted = serde_json::to_string(&self.0).unwrap_or_default();
        let quoted = quoted.trim_matches('"').to_owned();
        let mut text = text;
        for form in [self.0.as_str(), quoted.as_str(), &self.0.replace('/', "\\/")] {
            if memchr::memmem::find(text.as_bytes(), form.as_bytes()).is_some() {
                text = text.replace(form, "[key]");
            }
        }
        text
    }
}

/// Fetches the key of a provider; empty where it takes none.
///
/// # Errors
/// It is missing: where it was looked for, and the way out. Nothing has been sent by then.
pub fn fetch(settings: &ProviderSettings) -> Result<Secret, ProviderError> {
    let missing = |detail: String| ProviderError::NoKey { provider: settings.name.clone(), detail };
    let found = match &settings.key {
        KeySource::None => return Ok(Secret::default()),
        KeySource::Variable(name) => match std::env::var(name) {
            Ok(value) if !value.trim().is_empty() => value,
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(missing(format!("the variable {name} holds bytes that are no text")));
            }
            _ => {
                return Err(missing(format!(
                    "the variable {name} is not set: export it before the run is started"
                )));
            }
        },
        KeySource::Command(words) => from_command(words, PATIENCE).map_err(missing)?,
        KeySource::File(path) => from_file(path).map_err(missing)?,
    };
    let key = found.lines().next().unwrap_or("").trim();
    if key.is_empty() {
        return Err(missing("the key is an empty line".into()));
    }
    if !key.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
        return Err(missing("the key has blanks or characters that no header can carry".into()));
    }
    Ok(Secret::new(key))
}

fn from_file(path: &Path) -> Result<String, String> {
    let said = |e: std::io::Error| format!("key_file {}: {e}", path.display());
    // The file that was looked at is the file that is read.
    let mut file = std::fs::File::open(path).map_err(said)?;
    let about = file.metadata().map_err(said)?;
    if !about.is_file() {
        return Err(format!("key_file {} is no file", path.display()));
    }
    if about.mode() & 0o077 != 0 {
        return Err(format!(
            "key_file {} can be read by others (mode {:o}): chmod 600 {}",
            path.display(),
            about.mode() & 0o777,
            path.display()
        ));
    }
    let me = nix::unistd::geteuid().as_raw();
    if about.uid() != me && about.uid() != 0 {
        return Err(format!("key_file {} belongs to another user", path.display()));
    }
    let mut text = String::new();
    (&mut file).take(64 << 10).read_to_string(&mut text).map_err(said)?;
    Ok(text)
}

fn from_command(words: &[String], patience: Duration) -> Result<String, String> {
    let (program, arguments) = words.split_first().ok_or("key_command is empty")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // Its own words may hold the key.
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("key_command `{program}`: {e}"))?;
    let (send, text) = std::sync::mpsc::channel();
    if let Some(out) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut text = String::new();
            let read = out.take(64 << 10).read_to_string(&mut text);
            let _ = send.send(read.map(|_| text));
        });
    }
    let deadline = Instant::now() + patience;
    let text = text.recv_timeout(patience);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if text.is_ok() && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!(
                    "key_command `{program}` did not end within {} s",
                    patience.as_secs()
                ));
            }
        }
    };
    if !status.success() {
        return Err(format!("key_command `{program}` failed ({status})"));
    }
    match text {
        Ok(Ok(text)) => Ok(text),
        _ => Err(format!("key_command `{program}` printed no text")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "hush\nmore\n").unwrap();
        for (mode, ok) in
            [(0o644, false), (0o640, false), (0o604, false), (0o600, true), (0o400, true)]
        {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            match from_file(&path) {
                Ok(text) => assert!(ok && text.starts_with("hush"), "{mode:o}"),
                Err(e) => {
                    assert!(!ok && e.contains("chmod 600") && !e.contains("hush"), "{mode:o}: {e}");
                }
            }
        }
        assert!(from_file(dir.path()).is_err() && from_file(&dir.path().join("none")).is_err());
    }

    #[test]
    fn a_command_that_fails_prints_or_hangs_is_named_and_its_words_are_not() {
        let run = |line: &str, patience| {
            from_command(&["sh".into(), "-c".into(), line.into()], Duration::from_millis(patience))
        };
        assert_eq!(run("echo hush", 60_000).unwrap(), "hush\n");
        let e = run("echo hush; echo hush >&2; exit 3", 60_000).unwrap_err();
        assert!(e.contains('3') && !e.contains("hush"), "{e}");
        assert!(run("exec sleep 600", 50).unwrap_err().contains("did not end"));
        let e = from_command(&["/no/such/program".into()], PATIENCE).unwrap_err();
        assert!(e.contains("/no/such/program"), "{e}");
    }

    #[test]
    fn a_key_strikes_itself_out_in_every_form_that_json_gives_it() {
        let key = Secret::new(" abcd/\"efg \n");
        let text = "x abcd/\"efg y abcd/\\\"efg z abcd\\/\"efg".to_owned();
        assert_eq!(key.strike(text), "x [key] y [key] z [key]");
        assert_eq!(Secret::default().strike("abc".into()), "abc");
        assert_eq!(Secret::new("none").strike("none".into()), "none", "a label, not a secret");
        assert_eq!(format!("{key:?}"), "Secret(..)");
    }
}
