//! Import of a synthetic survey of the official size, for `benches/import/run.py`.
//!
//! `import generate FILE RESPONDENTS` writes the file (`generate-quoted`: with texts in quotes, as
//! the official file has them); `import read FILE [THREADS]` imports it
//! once and prints one JSON object: seconds, peak memory, and all counts, so that the script can
//! compare them with those of polars and pandas. Without arguments (`cargo bench --bench import`)
//! it does both in a temporary folder and prints the times of five reads.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use polyculture::domain::{QuestionId, Survey};
use polyculture::seeds::import::{ImportOptions, Imported, import};
use polyculture::seeds::synth::SyntheticSurvey;
use serde_json::json;

/// The 50 questions of the paper.
fn questions() -> Result<Vec<QuestionId>> {
    [27..=41, 122..=129, 132..=138, 158..=162, 169..=170, 196..=198, 224..=233]
        .into_iter()
        .flatten()
        .map(|n| QuestionId::new(format!("Q{n}")).context("question id"))
        .collect()
}

fn generate(path: &Path, respondents: u64, quotes: bool) -> Result<()> {
    let survey =
        SyntheticSurvey { respondents, seed: 20_261, quotes, ..SyntheticSurvey::default() };
    survey.write(&mut BufWriter::with_capacity(1 << 20, File::create(path)?))?;
    Ok(())
}

fn read(path: &Path, threads: usize) -> Result<(f64, Imported)> {
    let options = ImportOptions {
        questions: Some(questions()?.into_iter().collect()),
        threads,
        ..ImportOptions::default()
    };
    let start = Instant::now();
    let imported = import(&[path.to_owned()], &Survey::default(), &options, &|_| {})?;
    Ok((start.elapsed().as_secs_f64(), imported))
}

/// Largest memory of this process in KiB, by the system's own count; 0 where it has none.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .and_then(|l| l.split_whitespace().next())
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}

fn print_read(path: &Path, threads: usize) -> Result<()> {
    let (seconds, imported) = read(path, threads)?;
    let peak = peak_kib();
    let mut counts = Vec::new();
    for ((country, question), c) in &imported.counts {
        let valid = c.valid.iter().map(|(code, t)| (i16::from(*code), t));
        let missing = c.missing.iter().map(|(kind, t)| (kind.code(), t));
        for (code, t) in missing.chain(valid) {
            counts.push(json!([country.as_str(), question.as_str(), code, t.n, t.w, t.w2]));
        }
    }
    let respondents = imported.files.first().map_or(0, |f| f.respondents);
    println!(
        "{}",
        json!({"seconds": seconds, "peak_kib": peak, "respondents": respondents, "counts": counts})
    );
    Ok(())
}

fn both() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path: PathBuf = folder.path().join("survey.csv");
    let survey = SyntheticSurvey::default();
    generate(&path, survey.respondents, false)?;
    let bytes = path.metadata()?.len();
    let mut seconds = Vec::new();
    for _ in 0..5 {
        seconds.push(read(&path, 0)?.0);
    }
    let columns = survey.columns;
    println!(
        "{}",
        json!({"respondents": survey.respondents, "columns": columns, "bytes": bytes,
               "seconds": seconds, "peak_kib": peak_kib()})
    );
    Ok(())
}

fn main() -> Result<()> {
    // cargo itself adds `--bench`
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => both(),
        ["generate", file, n] => generate(Path::new(file), n.parse()?, false),
        ["generate-quoted", file, n] => generate(Path::new(file), n.parse()?, true),
        ["read", file] => print_read(Path::new(file), 0),
        ["read", file, n] => print_read(Path::new(file), n.parse()?),
        _ => bail!(
            "expected: import [generate|generate-quoted FILE RESPONDENTS | read FILE [THREADS]]"
        ),
    }
}
