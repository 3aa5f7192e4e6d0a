//! `polyculture seeds import` and `seeds synth`.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, IsTerminal, Read};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::args::WeightArg;
use super::output::note;
use super::{Context, Failure};
use crate::domain::{CountryCode, QuestionId, Survey, Weighting};
use crate::seeds::import::{ImportOptions, Imported, import};
use crate::seeds::synth::SyntheticSurvey;
use crate::seeds::{Faults, FileReport, SeedsError, countries};
use crate::store::{ImportRecord, MergeRule};
use crate::text;

/// Faults that are listed one by one; `--json` and the import log have as many as were kept.
const LISTED: usize = 5;

impl From<SeedsError> for Failure {
    fn from(e: SeedsError) -> Self {
        let line = match &e {
            SeedsError::Table(t) => t.line(),
            _ => None,
        };
        Self::bad_input(e).line(line)
    }
}

impl From<WeightArg> for Weighting {
    fn from(w: WeightArg) -> Self {
        match w {
            WeightArg::Unweighted => Self::Unweighted,
            WeightArg::WWeight => Self::WWeight,
            WeightArg::S018 => Self::S018,
        }
    }
}

/// What is wanted from the files.
#[derive(Debug)]
pub struct Wanted {
    /// Weights; those of the file by default.
    pub weight: Option<WeightArg>,
    /// Questions; the workspace's by default.
    pub questions: Vec<QuestionId>,
    /// All of them.
    pub every_question: bool,
    /// Countries; all by default.
    pub countries: Vec<CountryCode>,
}

/// Reads files into the workspace and says what was found in each.
///
/// # Errors
/// No file could be read, or the workspace cannot be written.
pub fn run(ctx: &Context, files: &[PathBuf], wanted: Wanted) -> Result<(), Failure> {
    let mut store = ctx.write()?;
    let known = store.read().survey()?;
    let options = ImportOptions {
        weighting: wanted.weight.map(Into::into),
        questions: (!wanted.questions.is_empty()).then(|| wanted.questions.into_iter().collect()),
        every_question: wanted.every_question,
        threads: 0,
    };
    let bar = progress_bar();
    let mut imported = import(files, &known, &options, &|p| {
        bar.set_length(p.bytes);
        bar.set_position(p.read);
    })?;
    bar.finish_and_clear();
    if !wanted.countries.is_empty() {
        imported.counts.retain(|(c, _), _| wanted.countries.contains(c));
        imported.paper_means.retain(|(c, _), _| wanted.countries.contains(c));
    }
    let survey = with_new_cultures(&known, &imported);
    let record = ImportRecord {
        kind: "survey".into(),
        file: files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", "),
        sha256: digest(files)?,
        report: json!({"files": imported.files, "refused": imported.refused}),
    };
    let merged = store.write(|tx| tx.merge_imported(&survey, &record, MergeRule::Replace))?;
    let doc = json!({"files": imported.files, "refused": imported.refused, "merged": merged});
    ctx.out.show(&doc, || {
        let mut out: String = imported.files.iter().map(file_lines).collect();
        for (path, why) in &imported.refused {
            out += &format!("{}: not read: {}\n", path.display(), text::display(why));
        }
        out += &format!(
            "stored: {} wordings, {} new cells (country x question), {} replaced\n",
            merged.questions, merged.added, merged.replaced
        );
        out
    })?;
    if imported.refused.is_empty() {
        Ok(())
    } else {
        Err(Failure::bad_input(format!(
            "{} of {} files were not read",
            imported.refused.len(),
            files.len()
        ))
        .hint("the others are imported; the reasons stand above"))
    }
}

/// What was imported, with a culture of its own for every country that has none yet.
fn with_new_cultures(known: &Survey, imported: &Imported) -> Survey {
    let mut survey = Survey {
        questions: imported.questions.clone(),
        cultures: Vec::new(),
        counts: imported.counts.clone(),
        paper_means: imported.paper_means.clone(),
    };
    for (country, _) in imported.counts.keys() {
        let has = |c: &crate::domain::Culture| c.countries.contains(country);
        if !known.cultures.iter().any(has)
            && !survey.cultures.iter().any(has)
            && let Some(culture) = countries::culture_of(country)
        {
            survey.cultures.push(culture);
        }
    }
    survey
}

fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("reading {bytes}/{total_bytes} {wide_bar} {bytes_per_sec}");
    let bar = ProgressBar::new(0);
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

fn file_lines(f: &FileReport) -> String {
    let mut out = format!("{}: {}", f.path.display(), f.kind.label());
    if f.respondents > 0 {
        out += &format!(", {} respondents in {} countries", f.respondents, f.countries.len());
    }
    out += &format!(", {} questions", f.questions);
    if let Some(w) = f.weighting {
        out += &format!(", {w}");
    }
    out.push('\n');
    for n in &f.notes {
        out += &format!("  note: {}\n", text::display(n));
    }
    for w in &f.warnings {
        out += &format!("  warning: {}\n", text::display(w));
    }
    out += &fault_lines("left out", &f.left_out);
    out += &fault_lines("unreadable", &f.unreadable);
    out
}

fn fault_lines(what: &str, faults: &Faults) -> String {
    let mut out = String::new();
    for f in faults.first.iter().take(LISTED) {
        out += &format!("  {what}: line {}: {}\n", f.line, text::display(&f.text));
    }
    if faults.total > LISTED as u64 {
        out += &format!("  {what}: {} in all\n", faults.total);
    }
    out
}

/// One checksum over all files, for the import log.
fn digest(files: &[PathBuf]) -> Result<String, Failure> {
    let mut sha = Sha256::new();
    let mut block = vec![0u8; 1 << 20];
    for path in files {
        let Ok(file) = File::open(path) else { continue };
        let mut file = BufReader::new(file);
        loop {
            let n = file.read(&mut block).map_err(|e| Failure::bad_input(e).file(path))?;
            if n == 0 {
                break;
            }
            sha.update(&block[..n]);
        }
    }
    Ok(sha.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

/// Writes a made-up survey in the official format.
///
/// # Errors
/// Numbers that cannot be, or a full disk.
pub fn synth(
    ctx: &Context,
    path: &Path,
    respondents: u64,
    countries: u16,
    seed: u64,
) -> Result<(), Failure> {
    let file = File::create(path).map_err(|e| Failure::failed(e).file(path))?;
    let survey = SyntheticSurvey {
        respondents,
        countries: countries.into(),
        seed,
        ..SyntheticSurvey::default()
    };
    survey.write(&mut BufWriter::with_capacity(1 << 20, file))?;
    let bytes = std::fs::metadata(path)?.len();
    note("made-up people: for tests and benchmarks only");
    ctx.out.show(&json!({"file": path, "bytes": bytes, "respondents": respondents}), || {
        format!("{}: {respondents} made-up respondents, {bytes} bytes", path.display())
    })
}
