//! `polyculture study amend`: what changes after the plan, logged.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{Context, Failure};
use crate::domain::{Lease, RaterId, StudyId, StudyType};
use crate::store::{StudyText, TextKind};
use crate::study::{Amend, Material, amend, own_text, read_answers, read_raters};

/// What `study amend` takes.
#[derive(Debug, Args)]
pub struct AmendArgs {
    /// The study
    #[arg(long)]
    study: StudyId,
    /// Why
    #[arg(long)]
    reason: String,
    /// Who decided it; your user name by default
    #[arg(long)]
    who: Option<String>,
    /// Raters who come, or who declare something else: CSV with id, languages, cultures
    #[arg(long, value_name = "FILE")]
    add_raters: Option<PathBuf>,
    /// Raters whose unrated items go to others
    #[arg(long, value_delimiter = ',', value_name = "RATER")]
    release: Vec<RaterId>,
    /// Items that come, chosen as the others were
    #[arg(long, default_value_t = 0, value_name = "N")]
    add_items: usize,
    /// Where new items of models' answers are from
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Raters per item from now on
    #[arg(short, long)]
    k: Option<u32>,
    /// How long items wait from now on, such as 14d
    #[arg(long)]
    lease: Option<Lease>,
    /// Another consent from now on: plain text, or TOML
    #[arg(long, value_name = "FILE")]
    consent: Option<PathBuf>,
    /// Another guideline from now on (TOML)
    #[arg(long, value_name = "FILE")]
    guideline: Option<PathBuf>,
    /// Other examples from now on (TOML)
    #[arg(long, value_name = "FILE")]
    examples: Option<PathBuf>,
    /// Another practice from now on (TOML)
    #[arg(long, value_name = "FILE")]
    qualification: Option<PathBuf>,
    /// Language of these texts (BCP 47)
    #[arg(long, default_value = "en")]
    language: String,
}

/// The texts that come, as files hold them.
fn texts(args: &AmendArgs, stored: &[StudyText], of: StudyType) -> Result<Vec<StudyText>, Failure> {
    let files = [
        (TextKind::Consent, &args.consent),
        (TextKind::Guideline, &args.guideline),
        (TextKind::Examples, &args.examples),
        (TextKind::Qualification, &args.qualification),
    ];
    let given = files.into_iter().filter_map(|(kind, file)| Some((kind, file.as_ref()?)));
    given
        .map(|(kind, file)| {
            let wrong = |e: String| Failure::bad_input(format!("{}: {e}", file.display()));
            let body = std::fs::read_to_string(file).map_err(|e| wrong(e.to_string()))?;
            own_text(stored, of, kind, &args.language, &body).map_err(|e| wrong(e.to_string()))
        })
        .collect()
}

/// Amends the study.
///
/// # Errors
/// The study is not fixed; nothing changes; raters or items that cannot be.
pub fn run(ctx: &Context, args: AmendArgs) -> Result<(), Failure> {
    let mut store = ctx.write_ratings()?;
    let record = store.read().need_study(&args.study)?;
    let material = match (&args.answers, record.study_type) {
        _ if args.add_items == 0 => None,
        (Some(file), of) => Some(Material::Answers(read_answers(file, of)?)),
        (None, StudyType::Similarity) => Some(super::new::material(ctx, &store)?),
        (None, other) => {
            return Err(Failure::usage(format!("new items of {other} need --answers FILE")));
        }
    };
    let stored = store.read().study_texts(&args.study)?;
    let texts = texts(&args, &stored, record.study_type)?;
    let change = Amend {
        who: args.who.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "nobody".into()),
        reason: args.reason,
        add_raters: args.add_raters.as_deref().map(read_raters).transpose()?.unwrap_or_default(),
        release: args.release,
        add_items: args.add_items,
        k: args.k,
        lease: args.lease,
        texts,
    };
    let report = amend(&mut store, &args.study, &change, material.as_ref())?;
    ctx.out.show(&report, || {
        let mut out = format!(
            "{}: amendment {} is logged: {} new raters, {} new items, {} places given\n",
            args.study,
            report.n,
            report.raters.len(),
            report.items,
            report.given
        );
        if report.open > 0 {
            out += &format!(
                "  {} places have nobody: raters of their language or culture are missing\n",
                report.open
            );
        }
        out
    })
}
