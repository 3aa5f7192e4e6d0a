//! `polyculture study plan`: who rates what, seen before it is fixed.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::{Context, Failure};
use crate::domain::{CultureId, Lease, RaterId, StudyId};
use crate::store::{Rater, RaterKind};
use crate::study::{PlanDraft, SECONDS_A_PAIR, StudySpec, draft, fix_plan, read_raters};
use crate::text;

/// What `study plan` takes.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The study
    #[arg(long)]
    study: StudyId,
    /// Raters; those of the study's settings where neither this nor --raters-file is given
    #[arg(long, value_delimiter = ',')]
    raters: Vec<RaterId>,
    /// Languages that all of --raters declare (BCP 47)
    #[arg(long, value_delimiter = ',', default_value = "en")]
    languages: Vec<String>,
    /// Cultures that all of --raters are of
    #[arg(long, value_delimiter = ',')]
    cultures: Vec<CultureId>,
    /// Who rates: CSV with id, languages, cultures
    #[arg(long, value_name = "FILE")]
    raters_file: Option<PathBuf>,
    /// How long items wait for a rater who does not come, such as 14d
    #[arg(long)]
    lease: Option<Lease>,
    /// Seconds an item takes, for the hours
    #[arg(long, default_value_t = SECONDS_A_PAIR)]
    seconds: f64,
    /// Show load and hours, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Plans the study and fixes it.
///
/// # Errors
/// No such study, or fixed before; too few raters.
pub fn run(ctx: &Context, args: &PlanArgs) -> Result<(), Failure> {
    let study = &args.study;
    if !(args.seconds.is_finite() && args.seconds > 0.0) {
        return Err(Failure::usage("--seconds: expected a number above 0"));
    }
    let mut store = if args.dry_run { ctx.read()? } else { ctx.write_ratings()? };
    let record = store.read().need_study(study)?;
    if record.fixed.is_some() {
        return Err(Failure::failed(format!(
            "study {study} was planned before; its plan stays as it is. `polyculture study status \
             --study {study}` shows it, `polyculture study amend` changes it, logged"
        )));
    }
    let mut spec = StudySpec::stored(&record.spec).unwrap_or_else(|| StudySpec::of(&record));
    let mut people: Vec<Rater> = args.raters.iter().map(|id| person(id.clone(), args)).collect();
    if let Some(file) = &args.raters_file {
        people.extend(read_raters(file)?.iter().map(crate::study::RaterSpec::person));
    }
    if people.is_empty() {
        people = spec.people_of();
    }
    if people.is_empty() {
        return Err(Failure::usage("who rates? give --raters r001,r002 or --raters-file FILE"));
    }
    let items = store.read().items(study)?;
    let plan = draft(&spec, &items, &people, args.seconds)?;
    if !args.dry_run {
        if let Some(lease) = args.lease {
            spec.lease = Some(lease);
            let value = spec.to_json();
            store.write(|tx| tx.set_spec(study, &value))?;
        }
        fix_plan(&mut store, study, &people)?;
    }
    let doc = json!({
        "study": study, "fixed": !args.dry_run, "assignments": plan.ratings, "load": plan.load,
        "plan": plan,
    });
    ctx.out.show(&doc, || lines(study, &plan, args.dry_run))
}

fn person(id: RaterId, args: &PlanArgs) -> Rater {
    Rater {
        id,
        kind: RaterKind::Human,
        languages: args.languages.clone(),
        cultures: args.cultures.clone(),
        consent: None,
    }
}

/// `1.4 hours`, or minutes where it is less than one.
fn time(hours: f64) -> String {
    if hours < 1.0 {
        format!("{:.0} minutes", (hours * 60.0).ceil())
    } else {
        format!("{hours:.1} hours")
    }
}

fn lines(study: &StudyId, plan: &PlanDraft, dry: bool) -> String {
    let state = if dry { "not fixed yet" } else { "fixed" };
    let mut out = format!("{study}: {} assignments, {state}\n", plan.ratings);
    out += &format!(
        "  {} of all raters at {} s an item, {} of the busiest; {} group{}\n",
        time(plan.hours),
        plan.seconds,
        time(plan.longest_hours),
        plan.groups,
        if plan.groups == 1 { " of raters" } else { "s of raters that share no item" },
    );
    for s in plan.strata.iter().filter(|s| s.stratum != crate::study::Stratum::Seed) {
        out +=
            &format!("  {} {}: {} items\n", s.stratum.as_str(), text::display(&s.label), s.items);
    }
    for (rater, n) in &plan.load {
        out += &format!("  {rater}: {n} items\n");
    }
    for w in &plan.warnings {
        out += &format!("  note: {}\n", text::display(w));
    }
    if dry {
        out += "  the same without --dry-run fixes it; afterwards only amendments change it\n";
    }
    out
}
