//! `polyculture study keys`: lines for `authorized_keys` that tie a key to a rater.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::cli::output::{note, table};
use crate::cli::{Context, Failure};
use crate::domain::{RaterId, StudyId};
use crate::store::{RaterKind, Reader};
use crate::study::{Door, PublicKey, authorized_line};

/// Largest file that is read as a key.
const LARGEST: u64 = 1 << 20;

/// What `study keys` takes.
#[derive(Debug, Args)]
pub struct KeysArgs {
    /// The study
    #[arg(long)]
    study: StudyId,
    /// A folder with a file RATER.pub for each, or a file with lines `RATER ssh-ed25519 AAAA..`;
    /// without it and without --rater, the keys known are listed
    #[arg(conflicts_with_all = ["rater", "revoke"])]
    source: Option<PathBuf>,
    /// One rater
    #[arg(long, requires = "key")]
    rater: Option<RaterId>,
    /// Their public key, a .pub file
    #[arg(long, requires = "rater", value_name = "FILE")]
    key: Option<PathBuf>,
    /// Note that all keys of a rater are taken back, and say which lines to remove
    #[arg(long, value_name = "RATER", conflicts_with = "rater")]
    revoke: Option<RaterId>,
    /// The program as it lies on the machine that raters log in to; this one by default
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
}

/// A rater, the text with their key, and where it came from.
type Given = (RaterId, String, String);

/// Prints the lines, or the list, or takes keys back.
///
/// # Errors
/// No such study or rater; what is no public key; a key that lets in somebody else. Nothing is
/// noted then.
pub fn run(ctx: &Context, args: KeysArgs) -> Result<(), Failure> {
    if let Some(rater) = &args.revoke {
        return revoke(ctx, &args.study, rater);
    }
    let given = match (&args.source, args.rater, &args.key) {
        (Some(source), _, _) if source.is_dir() => of_folder(source)?,
        (Some(source), _, _) => of_file(source)?,
        (None, Some(rater), Some(file)) => vec![(rater, text_of(file)?, shown(file))],
        _ => return list(ctx, &args.study),
    };
    let place = ctx.place()?;
    let root = place.folder().root();
    let workspace = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let program = match args.program {
        Some(path) => path,
        None => std::env::current_exe()?,
    };
    let mut store = ctx.write_ratings()?;
    store.read().need_study(&args.study)?;
    let keys = checked(store.read(), &args.study, given)?;
    let mut lines = Vec::new();
    for (rater, key) in &keys {
        let door = Door { program: &program, workspace: &workspace, study: &args.study, rater };
        lines.push(authorized_line(key, &door).map_err(Failure::bad_input)?);
    }
    store.write(|tx| {
        keys.iter()
            .try_for_each(|(rater, k)| tx.put_key(&args.study, rater, &k.fingerprint, &k.kind))
    })?;
    let rows: Vec<_> = keys
        .iter()
        .zip(&lines)
        .map(|((rater, k), line)| {
            json!({"rater": rater, "fingerprint": k.fingerprint, "kind": k.kind, "line": line})
        })
        .collect();
    ctx.out.show(&json!({"study": args.study, "keys": rows}), || lines.join("\n"))?;
    if !ctx.out.json {
        note("append these to the authorized_keys of the account that owns the workspace");
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    crate::text::display(&path.to_string_lossy())
}

fn text_of(file: &Path) -> Result<String, Failure> {
    let said = |e: &dyn std::fmt::Display| Failure::bad_input(format!("{}: {e}", shown(file)));
    if std::fs::metadata(file).map_err(|e| said(&e))?.len() > LARGEST {
        return Err(said(&"too large for a public key"));
    }
    let bytes = std::fs::read(file).map_err(|e| said(&e))?;
    String::from_utf8(bytes).map_err(|_| said(&"this is no text, so no public key"))
}

fn of_folder(folder: &Path) -> Result<Vec<Given>, Failure> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.path();
        if file.extension().is_none_or(|e| e != "pub") {
            continue;
        }
        let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let rater = RaterId::new(&stem)
            .map_err(|e| Failure::bad_input(format!("{}: {e}", shown(&file))))?;
        out.push((rater, text_of(&file)?, shown(&file)));
    }
    out.sort();
    if out.is_empty() {
        let said = format!("{}: no file RATER.pub in it", shown(folder));
        return Err(Failure::bad_input(said));
    }
    Ok(out)
}

fn of_file(file: &Path) -> Result<Vec<Given>, Failure> {
    let text = text_of(file)?;
    if text.contains("PRIVATE KEY") {
        let e = PublicKey::parse(&text).err().map(|e| e.to_string()).unwrap_or_default();
        return Err(Failure::bad_input(format!("{}: {e}", shown(file))));
    }
    let mut out = Vec::new();
    for (n, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{}:{}", shown(file), n + 1);
        let form = || {
            Failure::bad_input(format!("{place}: expected `RATER ssh-ed25519 AAAA..`"))
                .hint("a single .pub file is given by --rater NAME --key FILE")
        };
        let (rater, key) = line.split_once(char::is_whitespace).ok_or_else(form)?;
        if PublicKey::parse(line).is_ok() {
            return Err(form());
        }
        let rater = RaterId::new(rater).map_err(|e| Failure::bad_input(format!("{place}: {e}")))?;
        out.push((rater, key.to_owned(), place));
    }
    if out.is_empty() {
        return Err(Failure::bad_input(format!("{}: no key in it", shown(file))));
    }
    Ok(out)
}

/// Reads all keys, and sees that each lets in one person of the study.
fn checked(
    reader: Reader<'_>,
    study: &StudyId,
    given: Vec<Given>,
) -> Result<Vec<(RaterId, PublicKey)>, Failure> {
    let people: Vec<RaterId> = reader
        .raters(study)?
        .into_iter()
        .filter(|r| r.kind == RaterKind::Human)
        .map(|r| r.id)
        .collect();
    // sshd takes the first line with a key: a second one would never be reached
    let mut owner: BTreeMap<String, String> = BTreeMap::new();
    for s in reader.studies()? {
        for k in reader.study_keys(&s.id)?.into_iter().filter(|k| k.revoked.is_none()) {
            owner.insert(k.fingerprint, format!("{} in study {}", k.rater, s.id));
        }
    }
    let (mut out, mut wrong) = (Vec::new(), Vec::new());
    for (rater, text, place) in given {
        if !people.contains(&rater) {
            wrong.push(format!("{place}: no person {rater} rates in study {study}"));
            continue;
        }
        match PublicKey::parse(&text) {
            Err(e) => wrong.push(format!("{place}: {e}")),
            Ok(key) => {
                let who = format!("{rater} in study {study}");
                match owner.get(&key.fingerprint) {
                    Some(other) if *other != who => wrong.push(format!(
                        "{place}: this key lets in {other} already, and sshd takes the first line \
                         with it; ask for another key, or --revoke that one"
                    )),
                    _ => {
                        owner.insert(key.fingerprint.clone(), who);
                        out.push((rater, key));
                    }
                }
            }
        }
    }
    if wrong.is_empty() {
        return Ok(out);
    }
    Err(Failure::bad_input(wrong.join("\n"))
        .hint("nothing was noted: mend these, then run it again"))
}

fn revoke(ctx: &Context, study: &StudyId, rater: &RaterId) -> Result<(), Failure> {
    let mut store = ctx.write_ratings()?;
    store.read().need_study(study)?;
    let mut keys = store.read().study_keys(study)?;
    keys.retain(|k| k.rater == *rater && k.revoked.is_none());
    if keys.is_empty() {
        return Err(Failure::not_found(format!("{rater} has no key in study {study}")));
    }
    store.write(|tx| tx.revoke_keys(study, rater))?;
    let prints: Vec<&str> = keys.iter().map(|k| k.fingerprint.as_str()).collect();
    ctx.out.show(&json!({"study": study, "rater": rater, "revoked": prints}), || {
        format!(
            "{rater}: {} key(s) noted as taken back: {}\n  sshd lets them in until their lines are \
             out of authorized_keys: those that end in ` {rater}` and name study {study}",
            keys.len(),
            prints.join(", ")
        )
    })
}

fn list(ctx: &Context, study: &StudyId) -> Result<(), Failure> {
    let store = ctx.read()?;
    store.read().need_study(study)?;
    let keys = store.read().study_keys(study)?;
    ctx.out.list(&keys, None, || {
        if keys.is_empty() {
            return format!("No keys in study {study} yet: give a folder of RATER.pub files.");
        }
        let rows: Vec<Vec<String>> = keys
            .iter()
            .map(|k| {
                let revoked = k.revoked.map_or(String::new(), |at| at.strftime("%F").to_string());
                let added = k.added.strftime("%F").to_string();
                vec![k.rater.to_string(), k.kind.clone(), k.fingerprint.clone(), added, revoked]
            })
            .collect();
        table(&["rater", "type", "fingerprint", "added", "taken back"], &rows)
    })
}
