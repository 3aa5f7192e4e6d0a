//! `polyculture study raters` and `study withdraw`: pseudonyms, and leaving.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::{Context, Failure};
use crate::domain::{RaterId, StudyId};
use crate::launch::drafts;
use crate::study::{read_names, withdraw, write_names};

/// What `study raters` takes.
#[derive(Debug, Args)]
pub struct RatersArgs {
    /// People: CSV with name, languages, cultures
    #[arg(long, value_name = "FILE")]
    names: PathBuf,
    /// Where the map of pseudonyms to names goes: outside the workspace, for your eyes only
    #[arg(long, value_name = "FILE")]
    map: PathBuf,
    /// Where the raters without names go: the file that `study plan --raters-file` takes
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Gives pseudonyms to people.
///
/// # Errors
/// A bad line; the map would lie in the workspace; a file that exists.
pub fn raters(ctx: &Context, args: &RatersArgs) -> Result<(), Failure> {
    let (raters, names) = read_names(&args.names)?;
    let place = ctx.place()?;
    let mut table = String::from("id,languages,cultures\n");
    for r in &raters {
        let cultures: Vec<&str> = r.cultures.iter().map(AsRef::as_ref).collect();
        table += &format!("{},{},{}\n", r.id, r.languages.join(" "), cultures.join(" "));
    }
    write_names(&args.map, place.folder().root(), &names)?;
    let at = |e: std::io::Error| Failure::failed(e).file(&args.output);
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).open(&args.output).map_err(at)?;
    file.write_all(table.as_bytes()).map_err(at)?;
    let doc = json!({"raters": raters, "output": args.output, "map": args.map});
    ctx.out.show(&doc, || {
        format!(
            "{} raters in {}\n  their names are in {} and nowhere else: keep it apart\n",
            raters.len(),
            args.output.display(),
            args.map.display()
        )
    })
}

/// What `study withdraw` takes.
#[derive(Debug, Args)]
pub struct WithdrawArgs {
    /// The study
    #[arg(long)]
    study: StudyId,
    /// Who leaves
    #[arg(long)]
    rater: RaterId,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Erases what a rater did.
///
/// # Errors
/// No such rater; it was not confirmed.
pub fn leave(ctx: &Context, args: &WithdrawArgs) -> Result<(), Failure> {
    let mut store = ctx.write_ratings()?;
    store.read().need_study(&args.study)?;
    if !args.yes {
        confirm(args)?;
    }
    let report = withdraw(&mut store, &args.study, &args.rater);
    // whatever became of the database: they are gone from it before it is rewritten
    drafts::erase(&ctx.place()?, &args.study, &args.rater)
        .map_err(|e| Failure::failed(format!("what the rater was typing was not erased: {e}")))?;
    let report = report?;
    ctx.out.show(&report, || {
        let w = &report.withdrawal;
        let mut out = format!(
            "{} left study {}: {} events erased, {} of them with words; {} places went to others\n",
            w.rater, args.study, w.events, w.comments, report.given
        );
        if !report.cleaned {
            out += "  the database is in use and still holds erased bytes: run this again\n";
        }
        out + "  backups and exports made before still hold what they hold\n"
    })
}

fn confirm(args: &WithdrawArgs) -> Result<(), Failure> {
    let asked = format!(
        "erase all that {} did in study {}? It cannot be taken back. Type the rater's name: ",
        args.rater, args.study
    );
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("a withdrawal cannot be taken back: give --yes"));
    }
    let _ = write!(std::io::stderr(), "{asked}");
    let mut said = String::new();
    std::io::stdin().read_line(&mut said)?;
    if said.trim() == args.rater.as_str() {
        return Ok(());
    }
    Err(Failure::usage("nothing was erased"))
}
