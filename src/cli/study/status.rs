//! `polyculture study status`: how far each rater is.

use clap::Args;

use crate::cli::output::table;
use crate::cli::{Context, Failure};
use crate::domain::StudyId;
use crate::store::RaterKind;
use crate::study::{StudyStatus, status};

/// What `study status` takes.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The study; all by default
    #[arg(long)]
    study: Option<StudyId>,
}

/// Prints it.
///
/// # Errors
/// No such study.
pub fn run(ctx: &Context, args: &StatusArgs) -> Result<(), Failure> {
    let store = ctx.read()?;
    let names: Vec<StudyId> = match &args.study {
        Some(s) => vec![s.clone()],
        None => store.read().studies()?.into_iter().map(|s| s.id).collect(),
    };
    let all: Vec<StudyStatus> =
        names.iter().map(|n| status(store.read(), n)).collect::<Result<_, _>>()?;
    ctx.out.list(&all, None, || {
        if all.is_empty() {
            return "No studies yet. Make one with `polyculture study new NAME`.".into();
        }
        let mut out = String::new();
        for s in &all {
            let planned = if s.planned.is_some() { "planned" } else { "not planned yet" };
            out += &format!(
                "{}: k = {}, {planned}, {} of {} rated\n",
                s.study, s.k, s.rated, s.assigned
            );
            if let Some(n) = &s.note {
                out += &format!("  {n}\n");
            }
            let rows: Vec<Vec<String>> = s
                .raters
                .iter()
                .map(|r| {
                    vec![
                        r.rater.to_string(),
                        kind(r.kind).into(),
                        r.rated.to_string(),
                        r.assigned.to_string(),
                        r.skipped.to_string(),
                    ]
                })
                .collect();
            out += &table(&["rater", "kind", "rated", "of", "skipped"], &rows);
        }
        out
    })
}

fn kind(k: RaterKind) -> &'static str {
    match k {
        RaterKind::Human => "person",
        RaterKind::Scripted => "SCRIPTED",
        RaterKind::Judge => "model judge",
    }
}
