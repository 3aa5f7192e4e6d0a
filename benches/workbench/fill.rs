//! Fills a workspace with many samples in mixed scripts, for the benchmark of the workbench.
//!
//! `workbench_fill DIR [SAMPLES]` makes the workspace (with the sample seeds) and writes the rows;
//! a million takes a few seconds. `measure DIR` prints what a page, a count and a filter cost
//! there, `rate` what it takes from the key of a score to the row on the disk. Without arguments it
//! fills a temporary folder and prints both.

mod measure;
mod rate;
mod words;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use polyculture::launch::Place;
use polyculture::store::Workspace;
use rusqlite::Connection;
use words::TONGUES;

/// What the tests of the workbench ask for.
const MILLION: usize = 1_000_000;

/// Makes the workspace in `dir` with its sample seeds, and `n` samples over all of them.
pub fn fill(dir: &Path, n: usize) -> Result<()> {
    let place = Place::init(dir, false)?;
    let seeds: Vec<String> =
        place.read()?.read().survey()?.questions.into_iter().map(|q| q.id.into()).collect();
    let conn = Connection::open(dir.join(Workspace::FILE))?;
    // a scratch file: what a crash would leave is thrown away
    conn.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;")?;
    // indexes are cheaper built at the end than kept up to date
    let mut named = conn.prepare(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'sample' \
         AND sql IS NOT NULL",
    )?;
    let indexes: Vec<(String, String)> =
        named.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    drop(named);
    conn.execute_batch("BEGIN")?;
    for (name, _) in &indexes {
        conn.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    write(&conn, &seeds, n)?;
    for (_, sql) in &indexes {
        conn.execute_batch(sql)?;
    }
    conn.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE);")?;
    Ok(())
}

/// The rows. Every sixth is of the next language, every fifth is rejected, every fifty-third failed;
/// neighbours in the list come from different seeds.
fn write(conn: &Connection, seeds: &[String], n: usize) -> Result<()> {
    let mut insert = conn.prepare(
        "INSERT INTO sample (id, seed, language, text, stage, similarity, decision, reason, \
         detail, by_hand, provider, run, family, provenance, at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 'offline', ?10, 'cleft', ?11, \
         '2026-01-01T00:00:00.000000Z')",
    )?;
    let provenance = "{\"provider\":\"offline\",\"version\":\"1\",\"run\":\"20260101-0000-fill\",\
                      \"template\":\"cleft-1\",\"family\":\"cleft\",\"seed\":1}";
    let (mut id, mut text) = (String::new(), String::new());
    for i in 0..n {
        let tongue = &TONGUES[i % TONGUES.len()];
        id.clear();
        text.clear();
        id += &format!("s{i:09}");
        tongue.sentence(i / TONGUES.len(), &mut text);
        // one long text in a thousand: two to twenty sentences
        for more in 0..(if i % 1000 == 7 { 1 + i / 1000 % 20 } else { 0 }) {
            text.push(' ');
            tongue.sentence(i + more * 37, &mut text);
        }
        // spread over 0.3 to 1, the same for the same row
        let similarity = 0.3 + 0.7 * ((i.wrapping_mul(2_654_435_761) % 10_007) as f64 / 10_007.0);
        let (decision, reason, detail, similarity) = match i {
            i if i % 53 == 13 => {
                let d =
                    r#"{"decision":"failed","failure":"no-rule","detail":"no word to exchange"}"#;
                ("failed", "no-rule", d.to_owned(), None)
            }
            _ if similarity < 0.44 => (
                "rejected",
                "dissimilar",
                format!(
                    "{{\"decision\":\"rejected\",\"reason\":\"dissimilar\",\
                     \"similarity\":{similarity},\"threshold\":0.44}}"
                ),
                Some(similarity),
            ),
            _ => ("kept", "", "{\"decision\":\"kept\"}".to_owned(), Some(similarity)),
        };
        let text: &str = if decision == "failed" { "" } else { &text };
        insert.execute(rusqlite::params![
            id,
            seeds[i % seeds.len()],
            tongue.tag,
            text,
            if i % 3 == 0 { "synonym" } else { "template" },
            similarity,
            decision,
            reason,
            detail,
            "20260101-0000-fill",
            provenance,
        ])?;
    }
    Ok(())
}

fn main() -> Result<()> {
    // cargo itself adds `--bench`
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (dir, n) = match words.as_slice() {
        [] => {
            let folder = tempfile::tempdir()?;
            let start = Instant::now();
            fill(folder.path(), MILLION)?;
            println!("filled in {:.1} s", start.elapsed().as_secs_f64());
            measure::measure(folder.path())?;
            return rate::rate();
        }
        ["rate"] => return rate::rate(),
        ["measure", dir] => return measure::measure(Path::new(dir)),
        [dir] => (Path::new(dir), MILLION),
        [dir, n] => (Path::new(dir), n.parse().context("how many samples?")?),
        _ => bail!("expected: workbench_fill [DIR [SAMPLES] | measure DIR | rate]"),
    };
    let start = Instant::now();
    fill(dir, n)?;
    println!("{}: {n} samples in {:.1} s", dir.display(), start.elapsed().as_secs_f64());
    Ok(())
}
