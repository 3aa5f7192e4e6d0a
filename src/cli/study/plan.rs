//! `polyculture study plan`: who rates what.

use clap::Args;
use serde_json::json;

use crate::cli::{Context, Failure};
use crate::domain::{RaterId, StudyId};
use crate::store::{Rater, RaterKind};
use crate::study::fix_plan;

/// What `study plan` takes.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The study
    #[arg(long)]
    study: StudyId,
    /// Raters
    #[arg(long, value_delimiter = ',', required = true)]
    raters: Vec<RaterId>,
    /// Languages that all of them declare (BCP 47)
    #[arg(long, value_delimiter = ',', default_value = "en")]
    languages: Vec<String>,
}

/// Plans the study and fixes it.
///
/// # Errors
/// No such study, or fixed before; too few raters.
pub fn run(ctx: &Context, args: PlanArgs) -> Result<(), Failure> {
    let PlanArgs { study, raters, languages } = args;
    let mut store = ctx.write()?;
    let people: Vec<Rater> = raters
        .into_iter()
        .map(|id| Rater {
            id,
            kind: RaterKind::Human,
            languages: languages.clone(),
            cultures: Vec::new(),
            consent: None,
        })
        .collect();
    let plan = fix_plan(&mut store, &study, &people)?;
    let load: Vec<(&RaterId, &usize)> = plan.load.iter().collect();
    ctx.out.show(
        &json!({"study": study, "assignments": plan.assignments.len(), "load": load}),
        || {
            let mut out = format!("{study}: {} assignments, fixed\n", plan.assignments.len());
            for (rater, n) in &load {
                out += &format!("  {rater}: {n} items\n");
            }
            out
        },
    )
}
