//! `polyculture study verify` and `study move`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::{Context, Failure};
use crate::domain::StudyId;
use crate::launch::Place;
use crate::store::refuse_network_file_system;
use crate::study::{Severity, move_study, verify};
use crate::text;

/// What `study verify` takes.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The study; all by default
    #[arg(long)]
    study: Option<StudyId>,
}

/// Plays the log again and compares.
///
/// # Errors
/// Something is broken: each is named with what to do.
pub fn run(ctx: &Context, args: &VerifyArgs) -> Result<(), Failure> {
    let store = ctx.read()?;
    let names: Vec<StudyId> = match &args.study {
        Some(s) => vec![s.clone()],
        None => store.read().studies()?.into_iter().map(|s| s.id).collect(),
    };
    let damage = store.database().check()?;
    let mut all = Vec::new();
    for name in names {
        let found = verify(store.read(), &name)?;
        all.push((name, found));
    }
    let broken = damage.len()
        + all.iter().flat_map(|(_, f)| f).filter(|f| f.severity == Severity::Broken).count();
    let doc: Vec<_> = all.iter().map(|(s, f)| json!({"study": s, "findings": f})).collect();
    ctx.out.show(&json!({"sound": broken == 0, "file": damage, "studies": doc}), || {
        let mut out = String::new();
        for d in &damage {
            out += &format!("BROKEN  the file: {}\n", text::display(d));
        }
        for (study, found) in &all {
            let bad = found.iter().filter(|f| f.severity == Severity::Broken).count();
            let said = if bad == 0 { "sound" } else { "BROKEN" };
            out += &format!("{study}: {said}\n");
            for f in found {
                let mark = if f.severity == Severity::Broken { "BROKEN  " } else { "note    " };
                out += &format!("  {mark}{}\n", text::display(&f.what));
                out += &format!("          {}\n", text::display(&f.way_out));
            }
        }
        out
    })?;
    if broken > 0 {
        return Err(Failure::bad_input(format!("{broken} findings; nothing was changed")));
    }
    Ok(())
}

/// What `study move` takes.
#[derive(Debug, Args)]
pub struct MoveArgs {
    /// The study
    #[arg(long)]
    study: StudyId,
    /// The workspace it goes to
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// Carries a study over.
///
/// # Errors
/// Another study of that name is there; it does not verify.
pub fn carry(ctx: &Context, args: &MoveArgs) -> Result<(), Failure> {
    let here = ctx.place()?;
    let there = Place::find(Some(&args.to), &std::env::current_dir()?)?;
    refuse_network_file_system(there.folder().root())?;
    let same = |p: &Place| p.folder().root().canonicalize().ok();
    if same(&here) == same(&there) {
        return Err(Failure::usage("--to is the workspace that the study is in"));
    }
    let report = move_study(here.read()?.read(), &mut there.write()?, &args.study)?;
    ctx.out.show(&report, || {
        let done = if report.already { "was there already" } else { "is there, verified" };
        format!(
            "{}: {} items and {} events: {done}\n  it stays here too: rate in one place only\n",
            args.study, report.items, report.events
        )
    })
}
