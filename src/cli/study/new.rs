//! `polyculture study new`: items from kept samples.

use clap::Args;
use serde_json::json;

use crate::cli::{Context, Failure};
use crate::domain::StudyId;
use crate::store::{DecisionKind, SampleFilter};
use crate::study::{NewStudy, create_study};

/// What `study new` takes.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Its name
    name: StudyId,
    /// Samples drawn, stratified by seed
    #[arg(long, default_value_t = 100)]
    items: usize,
    /// Raters per item
    #[arg(short, long, default_value_t = 3)]
    k: u32,
    /// Random seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Makes the study.
///
/// # Errors
/// No sample can enter; the name is taken.
pub fn run(ctx: &Context, args: NewArgs) -> Result<(), Failure> {
    let NewArgs { name, items, k, seed } = args;
    let mut store = ctx.write()?;
    let survey = store.read().survey()?;
    let kept = SampleFilter { decision: Some(DecisionKind::Kept), ..SampleFilter::default() };
    let mut samples = store.read().all_samples(&kept)?;
    samples.retain(|s| !s.provenance.held_out);
    let new = NewStudy { k, ..NewStudy::named(name.clone(), items, seed) };
    let made = create_study(&mut store, &samples, &survey, &new)?;
    ctx.out.show(&json!({"study": name, "items": made}), || {
        format!(
            "{name}: {} items, controls and repeats included\n  next: polyculture study plan --study {name} --raters r001,r002,r003",
            made.len()
        )
    })
}
