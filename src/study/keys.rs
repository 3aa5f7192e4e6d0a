//! Lines for `authorized_keys` that tie a public key to a rater: whoever logs in with the key gets
//! the rating screen and nothing else.
//!
//! A line is `restrict,pty,command="PROGRAM -w DIR rate --study S --as RATER" TYPE BLOB RATER`.
//! `restrict` takes away forwarding, tunnels and the user's own start files, `pty` gives the
//! terminal back, and the forced command runs whatever the other side asks for. The comment of the
//! key is left out: it often holds a name.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::domain::{RaterId, StudyId};

/// Types of keys that are taken, beside RSA of enough bits.
const TYPES: [&str; 6] = [
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];
/// RSA keys with fewer bits are refused.
const RSA_BITS: usize = 2048;
/// Longest file with a key that is read.
const LONGEST: usize = 64 * 1024;

/// Why a text is not taken as a public key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The secret half.
    #[error(
        "this is a PRIVATE key: it must never leave its owner's machine. Tell the rater so, and \
         ask for the file that ends in .pub"
    )]
    Private,
    /// Nothing that looks like a key.
    #[error("this is no public key: expected one line `ssh-ed25519 AAAA.. comment` (a .pub file)")]
    NoKey,
    /// Several.
    #[error("{n} keys: expected one for a rater; give each of the others in a call of its own")]
    Several {
        /// How many.
        n: usize,
    },
    /// A type that is not taken.
    #[error("keys of type {kind} are not taken; `ssh-keygen -t ed25519` makes one that is")]
    Type {
        /// The type.
        kind: String,
    },
    /// RSA with too few bits.
    #[error(
        "an RSA key of {bits} bits is too short (2048 at least); better: `ssh-keygen -t ed25519`"
    )]
    Short {
        /// Its bits.
        bits: usize,
    },
    /// Options stand before the key.
    #[error("the line begins with options: only the key itself is taken, as in a .pub file")]
    Options,
    /// The blob is cut or garbled.
    #[error("the key is damaged ({why}); ask for the file again, as an attachment")]
    Damaged {
        /// How.
        why: &'static str,
    },
}

/// A public key as OpenSSH reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// `ssh-ed25519`, ..
    pub kind: String,
    /// The key in base64.
    pub blob: String,
    /// `SHA256:..`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
}

/// A length-prefixed field of a key.
fn field<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], KeyError> {
    let cut = KeyError::Damaged { why: "it is cut off" };
    let (length, rest) = bytes.split_at_checked(4).ok_or(cut.clone())?;
    let length = u32::from_be_bytes(length.try_into().unwrap_or_default()) as usize;
    let (value, rest) = rest.split_at_checked(length).ok_or(cut)?;
    *bytes = rest;
    Ok(value)
}

impl PublicKey {
    /// Reads the text of a `.pub` file. Empty lines and lines that begin with `#` are left out.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.contains("PRIVATE KEY") || text.contains("PuTTY-User-Key-File") {
            return Err(KeyError::Private);
        }
        if text.len() > LONGEST {
            return Err(KeyError::NoKey);
        }
        let text = text.trim_start_matches('\u{feff}');
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
        let line = match lines.as_slice() {
            [] => return Err(KeyError::NoKey),
            [one] => one,
            several => return Err(KeyError::Several { n: several.len() }),
        };
        let mut words = line.split_ascii_whitespace();
        let (Some(kind), Some(blob)) = (words.next(), words.next()) else {
            return Err(KeyError::NoKey);
        };
        let known = |t: &str| TYPES.contains(&t) || t == "ssh-rsa";
        if !known(kind) {
            let inside = line.split([' ', ',', '\t']).skip(1).any(known);
            return Err(if inside {
                KeyError::Options
            } else if kind.starts_with("ssh-") || kind.contains('@') {
                KeyError::Type { kind: crate::text::display(kind) }
            } else {
                KeyError::NoKey
            });
        }
        let bytes = STANDARD
            .decode(blob)
            .map_err(|_| KeyError::Damaged { why: "its letters are not base64" })?;
        let mut rest = bytes.as_slice();
        if field(&mut rest)? != kind.as_bytes() {
            return Err(KeyError::Damaged { why: "inside it says another type" });
        }
        let mut last: &[u8] = &[];
        let mut fields = 0;
        while !rest.is_empty() {
            last = field(&mut rest)?;
            fields += 1;
        }
        if fields == 0 || last.is_empty() {
            return Err(KeyError::Damaged { why: "it is cut off" });
        }
        if kind == "ssh-ed25519" && (fields, last.len()) != (1, 32) {
            return Err(KeyError::Damaged { why: "an ed25519 key has 32 bytes" });
        }
        if kind == "ssh-rsa" {
            let n = last.iter().position(|b| *b != 0).map_or(&[][..], |at| &last[at..]);
            let first = n.first().map_or(0, |b| 8 - b.leading_zeros() as usize);
            let bits = n.len().saturating_sub(1) * 8 + first;
            if bits < RSA_BITS {
                return Err(KeyError::Short { bits });
            }
        }
        let fingerprint = format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&bytes)));
        Ok(Self { kind: kind.to_owned(), blob: blob.to_owned(), fingerprint })
    }
}

/// What a key may do: rate in one study as one rater.
#[derive(Debug, Clone, Copy)]
pub struct Door<'a> {
    /// The program, with its whole path.
    pub program: &'a Path,
    /// The workspace, with its whole path.
    pub workspace: &'a Path,
    /// The study.
    pub study: &'a StudyId,
    /// The rater.
    pub rater: &'a RaterId,
}

/// A path that cannot stand in `authorized_keys`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{path} cannot stand in authorized_keys: {why}. Name a link without them by -w or --program"
)]
pub struct PathRefused {
    path: String,
    why: &'static str,
}

/// The line for a key.
///
/// # Errors
/// A path that is not absolute, not UTF-8, or has control characters in it.
pub fn authorized_line(key: &PublicKey, door: &Door<'_>) -> Result<String, PathRefused> {
    let words = [
        plain_path(door.program)?,
        "-w",
        plain_path(door.workspace)?,
        "rate",
        "--study",
        door.study.as_str(),
        "--as",
        door.rater.as_str(),
    ];
    let words: Vec<String> = words.into_iter().map(shell_word).collect();
    // sshd ends the option at the first quote without a backslash; nothing else is special to it
    let command = words.join(" ").replace('"', "\\\"");
    let (kind, blob, rater) = (&key.kind, &key.blob, door.rater);
    Ok(format!("restrict,pty,command=\"{command}\" {kind} {blob} {rater}"))
}

fn plain_path(path: &Path) -> Result<&str, PathRefused> {
    let refused = |why| PathRefused { path: crate::text::display(&path.to_string_lossy()), why };
    let text = path.to_str().ok_or_else(|| refused("its name is not UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(refused("its name has control characters"));
    }
    if !path.is_absolute() {
        return Err(refused("sshd starts in another folder, so it has to begin at the root"));
    }
    Ok(text)
}

/// A word as the account's shell reads it back. sshd hands the command to that shell.
fn shell_word(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "_./:=@%+-,".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of this type with these fields, made here: the repository holds none.
    fn made(kind: &str, fields: &[&[u8]]) -> String {
        let mut bytes = Vec::new();
        for f in std::iter::once(&kind.as_bytes()).chain(fields) {
            bytes.extend((f.len() as u32).to_be_bytes());
            bytes.extend(*f);
        }
        format!("{kind} {}", STANDARD.encode(bytes))
    }

    /// What sshd makes of an option in quotes: `\"` is a quote, all else stands for itself.
    fn as_sshd_reads(line: &str) -> (String, String) {
        let mut rest = line.strip_prefix("restrict,pty,command=\"").unwrap().chars().peekable();
        let mut command = String::new();
        loop {
            match rest.next().unwrap() {
                '\\' if rest.peek() == Some(&'"') => command.push(rest.next().unwrap()),
                '"' => return (command, rest.collect()),
                c => command.push(c),
            }
        }
    }

    #[test]
    fn what_is_no_public_key_is_refused_with_what_to_do() {
        let good = made("ssh-ed25519", &[&[7; 32]]);
        let private = format!("-----BEGIN OPENSSH {} KEY-----\nabc", "PRIVATE");
        let bad = |t: &str| PublicKey::parse(t).unwrap_err();
        assert_eq!(bad(&private), KeyError::Private);
        assert_eq!(bad(""), KeyError::NoKey);
        assert_eq!(bad("# only a remark\n"), KeyError::NoKey);
        assert_eq!(bad("hello world"), KeyError::NoKey);
        assert_eq!(bad(&format!("{good}\n{good}")), KeyError::Several { n: 2 });
        assert_eq!(bad(&format!("command=\"sh\" {good}")), KeyError::Options);
        assert_eq!(bad(&format!("no-pty,{good}")), KeyError::Options);
        let old = made("ssh-dss", &[&[1]]);
        assert_eq!(bad(&old), KeyError::Type { kind: "ssh-dss".into() });
        let cert = "ssh-ed25519-cert-v01@openssh.com AAAA";
        assert!(matches!(bad(cert), KeyError::Type { .. }));
        assert!(matches!(bad("ssh-ed25519 %%%"), KeyError::Damaged { .. }));
        let cut = &good[..good.len() - 8];
        assert!(matches!(bad(cut), KeyError::Damaged { .. }), "{cut}");
        let inside = made("ssh-rsa", &[&[1], &[9; 400]]).replace("ssh-rsa", "ssh-ed25519");
        assert!(matches!(bad(&inside), KeyError::Damaged { .. }));
        assert!(matches!(bad(&made("ssh-ed25519", &[&[1; 31]])), KeyError::Damaged { .. }));
        let short = made("ssh-rsa", &[&[1, 0, 1], &[0x80; 128]]);
        assert_eq!(bad(&short), KeyError::Short { bits: 1024 });
        let mut n = vec![0];
        n.extend([0x80; 256]);
        assert!(PublicKey::parse(&made("ssh-rsa", &[&[1, 0, 1], &n])).is_ok());
    }

    #[test]
    fn the_comment_of_a_key_is_left_out_and_the_fingerprint_is_that_of_ssh_keygen() {
        let text = format!("{} Jane Doe@home\r\n", made("ssh-ed25519", &[&[7; 32]]));
        let key = PublicKey::parse(&text).unwrap();
        let (study, rater) = (StudyId::new("pilot").unwrap(), RaterId::new("r017").unwrap());
        let door = Door {
            program: Path::new("/opt/polyculture"),
            workspace: Path::new("/srv/w"),
            study: &study,
            rater: &rater,
        };
        let line = authorized_line(&key, &door).unwrap();
        assert_eq!(
            line,
            format!(
                "restrict,pty,command=\"/opt/polyculture -w /srv/w rate --study pilot --as r017\" \
                 ssh-ed25519 {} r017",
                key.blob
            )
        );
        assert!(!line.contains("Jane"));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("k.pub");
        std::fs::write(&file, &text).unwrap();
        match std::process::Command::new("ssh-keygen").arg("-lf").arg(&file).output() {
            Ok(out) => {
                let said = String::from_utf8_lossy(&out.stdout).into_owned();
                assert!(said.contains(&key.fingerprint), "{said} {out:?}");
            }
            Err(e) => println!("skipped: ssh-keygen: {e}"),
        }
    }

    #[test]
    fn any_path_reaches_the_program_as_it_is_and_what_cannot_is_refused() {
        let key = PublicKey::parse(&made("ssh-ed25519", &[&[7; 32]])).unwrap();
        let (study, rater) = (StudyId::new("pilot").unwrap(), RaterId::new("r1").unwrap());
        let door = |w| Door {
            program: Path::new("/bin/echo"),
            workspace: Path::new(w),
            study: &study,
            rater: &rater,
        };
        for path in [
            "/srv/a b",
            "/srv/it's",
            "/srv/\"quoted\" and \\\"",
            "/srv/$HOME/`id`/$(id)",
            "/srv/a;b&c|d>e\\",
            "/srv/研究 قلم",
            "/srv/*?[a]~#!",
        ] {
            let line = authorized_line(&key, &door(path)).unwrap();
            assert!(!line.contains('\n'));
            let (command, rest) = as_sshd_reads(&line);
            assert_eq!(rest, format!(" ssh-ed25519 {} r1", key.blob));
            let script = format!("set -- {command}; printf '%s\\n' \"$3\"");
            let out = std::process::Command::new("sh").arg("-c").arg(&script).output().unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap().trim_end_matches('\n'), path);
        }
        for path in ["srv/relative", "/srv/a\nssh-rsa", "/srv/\u{1b}[2J"] {
            assert!(authorized_line(&key, &door(path)).is_err(), "{path:?}");
        }
    }
}
