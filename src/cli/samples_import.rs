//! `polyculture samples import`: samples of others, through the same guards and the same filter.

use std::path::Path;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::output::note;
use super::{Context, Failure, encoder};
use crate::augment::similarity::{Lexical, SimilarityModel};
use crate::augment::{AugmentError, Settings, calibrate, import};
use crate::store::ImportRecord;
use crate::text;

impl From<AugmentError> for Failure {
    fn from(e: AugmentError) -> Self {
        match e {
            AugmentError::Settings(_) => Self::usage(e),
            _ => Self::bad_input(e),
        }
    }
}

/// Reads, judges and stores.
///
/// # Errors
/// The file is none of the known forms; the workspace cannot be written.
pub fn run(ctx: &Context, file: &Path, reference: Option<&str>) -> Result<(), Failure> {
    let mut store = ctx.write()?;
    let survey = store.read().survey()?;
    let settings = Settings::default();
    let filter: Box<dyn SimilarityModel> = match reference {
        Some(r) => crate::work::encoder(&encoder::resolve(r)?).map_err(Failure::bad_input)?,
        None => Box::new(Lexical::new(survey.questions.iter().map(|q| q.text.as_str()))),
    };
    let calibration = calibrate(&survey.questions, &*filter, settings.false_accept, None)?;
    let (samples, report) = import(file, &survey, &*filter, calibration.threshold, &settings)?;
    let bytes = std::fs::read(file).map_err(|e| Failure::bad_input(e).file(file))?;
    let record = ImportRecord {
        kind: "samples".into(),
        file: file.display().to_string(),
        sha256: Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect(),
        report: json!({"report": report, "calibration": calibration}),
    };
    let put = store.write(|tx| {
        tx.log_import(&record)?;
        tx.put_samples(&samples)
    })?;
    if let Some(n) = &calibration.note {
        note(&format!("note: {n}"));
    }
    let doc = json!({"report": report, "calibration": calibration, "stored": put});
    ctx.out.show(&doc, || {
        let s = &report.summary;
        let mut out = format!(
            "{}: {} rows = {} kept + {} rejected\n",
            file.display(),
            s.proposed,
            s.kept,
            s.rejected
        );
        for (reason, n) in &s.by_reason {
            out += &format!("  {n:>5}  {reason}\n");
        }
        for (line, why) in &report.bad_lines {
            out += &format!("  line {line}: not read: {}\n", text::display(why));
        }
        if report.bad_lines_total as usize > report.bad_lines.len() {
            out += &format!("  {} lines were not read in all\n", report.bad_lines_total);
        }
        out
    })
}
