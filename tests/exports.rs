//! Studies and datasets as Parquet, read by pyarrow and pandas where there are any:
//! `POLYCULTURE_PYARROW` names a Python that has them; else `python3` is tried.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use polyculture::table::typed::{Cell, read_parquet};

struct Place(tempfile::TempDir);

impl Place {
    fn command(&self, args: &[&str]) -> Command {
        let mut c = Command::new(env!("CARGO_BIN_EXE_polyculture"));
        c.args(args)
            .current_dir(self.0.path())
            .env("POLYCULTURE_STATE_DIR", self.0.path().join("s"))
            .env("POLYCULTURE_CONFIG", self.0.path().join("no-config.toml"))
            .env("POLYCULTURE_WORKSPACE", self.0.path().join("w"))
            .stdin(Stdio::null());
        c
    }

    fn ok(&self, args: &[&str]) -> String {
        let out = self.command(args).output().unwrap();
        assert!(out.status.success(), "{args:?}: {out:?}");
        String::from_utf8(out.stdout).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ =
            self.command(&["engine", "stop"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// A Python with pyarrow and pandas.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("POLYCULTURE_PYARROW").filter(|v| !v.is_empty());
    let python = named.map_or_else(|| "python3".into(), PathBuf::from);
    let has = Command::new(&python)
        .args(["-c", "import pyarrow.parquet, pandas"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    has.then_some(python)
}

/// What pandas makes of a file: rows, and the kind of every column.
fn pandas(python: &Path, file: &Path) -> (usize, Vec<(String, String)>) {
    let program = "import sys, pandas, pyarrow.parquet as p\n\
                   t = p.read_table(sys.argv[1]); d = pandas.read_parquet(sys.argv[1])\n\
                   assert len(d) == t.num_rows and b'codebook' in t.schema.metadata\n\
                   print(t.num_rows)\n\
                   for f in t.schema: print(f.name, f.type)";
    let out = Command::new(python).args(["-c", program]).arg(file).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    let mut lines = text.lines();
    let rows = lines.next().unwrap().parse().unwrap();
    let columns = lines.filter_map(|l| l.split_once(' '));
    (rows, columns.map(|(n, t)| (n.to_owned(), t.to_owned())).collect())
}

#[test]
fn every_table_of_a_study_and_a_dataset_are_read_back_by_us_and_by_pandas() {
    let p = Place(tempfile::tempdir().unwrap());
    let w = p.0.path().join("w");
    p.ok(&["demo", "--headless", "--quick", "--dir", w.to_str().unwrap()]);
    let studies: serde_json::Value =
        serde_json::from_str(&p.ok(&["study", "status", "--json"])).unwrap();
    let study = studies.to_string();
    let study = study.split("\"study\":\"").nth(1).and_then(|s| s.split('"').next()).unwrap();
    let folder = p.0.path().join("out");
    let all = folder.to_str().unwrap();
    p.ok(&["study", "export", "--study", study, "--format", "parquet", "--timings", "--all", all]);
    let tables = [
        "ratings",
        "events",
        "items",
        "raters",
        "assignments",
        "verdicts",
        "adjudications",
        "amendments",
    ];
    let python = python();
    if python.is_none() {
        eprintln!("SKIPPED: no Python with pyarrow and pandas (POLYCULTURE_PYARROW)");
    }
    for table in tables {
        let file = folder.join(format!("{table}.parquet"));
        let (names, rows) = read_parquet(&file).unwrap();
        let book = std::fs::read_to_string(file.with_extension("codebook.txt")).unwrap();
        for name in &names {
            assert!(book.contains(&format!("\n{name}: ")), "{table}: {name} is in the codebook");
        }
        assert_eq!(rows.is_empty(), ["verdicts", "adjudications", "amendments"].contains(&table));
        if let Some(python) = &python {
            let (n, columns) = pandas(python, &file);
            let seen: Vec<&str> = columns.iter().map(|(n, _)| n.as_str()).collect();
            assert_eq!(
                (n, seen),
                (rows.len(), names.iter().map(String::as_str).collect()),
                "{table}"
            );
            if table == "ratings" {
                let kind = |name: &str| columns.iter().find(|c| c.0 == name).unwrap().1.clone();
                assert_eq!(
                    [kind("score"), kind("swap"), kind("rater")],
                    ["int64", "bool", "string"]
                );
                assert_eq!(kind("similarity"), "double");
                assert_eq!(kind("at"), "timestamp[us, tz=UTC]");
            }
        }
    }
    // the same numbers as the CSV
    let csv = p.ok(&["study", "export", "--study", study]);
    let (names, rows) = read_parquet(&folder.join("ratings.parquet")).unwrap();
    let score = names.iter().position(|n| n == "score").unwrap();
    let sum: i64 = rows.iter().map(|r| if let Cell::Int(n) = r[score] { n } else { 0 }).sum();
    let of_csv: i64 =
        csv.lines().skip(1).map(|l| l.split(',').nth(2).unwrap().parse().unwrap_or(0)).sum();
    assert_eq!((csv.lines().count() - 1, of_csv), (rows.len(), sum));
    assert!(sum > 0);

    let datasets: serde_json::Value =
        serde_json::from_str(&p.ok(&["dataset", "list", "--json"])).unwrap();
    let datasets = datasets.to_string();
    let name = datasets.split("\"name\":\"").nth(1).and_then(|s| s.split('"').next()).unwrap();
    let file = p.0.path().join("d.parquet");
    p.ok(&["dataset", "export", name, "--format", "parquet", "-o", file.to_str().unwrap()]);
    let (names, rows) = read_parquet(&file).unwrap();
    assert_eq!(names[..3], ["system", "prompt", "completion"]);
    assert!(!rows.is_empty());
    if let Some(python) = &python {
        assert_eq!(pandas(python, &file).0, rows.len());
    }
}
