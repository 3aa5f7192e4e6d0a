//! `polyculture study texts`: a study's own consent, guideline, examples and practice.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::output::table;
use crate::cli::{Context, Failure};
use crate::domain::StudyId;
use crate::store::{StudyText, TextKind, TextSource};
use crate::study::{own_text, put_own_texts};

/// What `study texts` takes.
#[derive(Debug, Args)]
pub struct TextsArgs {
    /// The study
    #[arg(long)]
    study: StudyId,
    /// Language of the files given (BCP 47)
    #[arg(long, default_value = "en")]
    language: String,
    /// What people agree to: plain text, or TOML with name, version and lines
    #[arg(long, value_name = "FILE")]
    consent: Option<PathBuf>,
    /// How to rate: TOML with name, version, question, rules and [[anchor]]s
    #[arg(long, value_name = "FILE")]
    guideline: Option<PathBuf>,
    /// Examples beside the guideline: TOML with name, version, language and [[pair]]s
    #[arg(long, value_name = "FILE")]
    examples: Option<PathBuf>,
    /// Practice before the first pair, in the form of the examples
    #[arg(long, value_name = "FILE")]
    qualification: Option<PathBuf>,
}

/// Stores the files given; without any, lists what the study has.
///
/// # Errors
/// No such study; a file that is no such text; a study that is fixed.
pub fn run(ctx: &Context, args: &TextsArgs) -> Result<(), Failure> {
    let files: Vec<(TextKind, &PathBuf)> = [
        (TextKind::Consent, &args.consent),
        (TextKind::Guideline, &args.guideline),
        (TextKind::Examples, &args.examples),
        (TextKind::Qualification, &args.qualification),
    ]
    .into_iter()
    .filter_map(|(kind, file)| Some((kind, file.as_ref()?)))
    .collect();
    if files.is_empty() {
        return list(ctx, &args.study);
    }
    let mut store = ctx.write_ratings()?;
    let record = store.read().need_study(&args.study)?;
    let stored = store.read().study_texts(&args.study)?;
    let mut texts = Vec::new();
    for (kind, file) in files {
        let body = std::fs::read_to_string(file)
            .map_err(|e| Failure::bad_input(format!("{}: {e}", file.display())))?;
        let text = own_text(&stored, record.study_type, kind, &args.language, &body)
            .map_err(|e| Failure::bad_input(format!("{}: {e}", file.display())))?;
        texts.push(text);
    }
    let new = put_own_texts(&mut store, &args.study, &texts)?;
    let names: Vec<String> = texts.iter().map(StudyText::name).collect();
    ctx.out.show(&json!({"study": args.study, "texts": names, "new": new}), || {
        format!("{}: {} ({new} new)", args.study, names.join(", "))
    })
}

fn list(ctx: &Context, study: &StudyId) -> Result<(), Failure> {
    let store = ctx.read()?;
    store.read().need_study(study)?;
    let texts = store.read().study_texts(study)?;
    ctx.out.list(&texts, None, || {
        if texts.is_empty() {
            return format!("Study {study} has no texts of its own: raters read the program's.");
        }
        let rows: Vec<Vec<String>> = texts
            .iter()
            .map(|t| {
                let whose =
                    if t.source == TextSource::Study { "the study's" } else { "the program's" };
                let sum = t.sha256.chars().take(12).collect();
                vec![t.name(), whose.into(), sum, t.at.strftime("%F").to_string()]
            })
            .collect();
        table(&["text", "whose", "sha256", "since"], &rows)
    })
}
