//! `polyculture study calibrate`: what a similarity means to people, and which threshold to take.

use clap::Args;

use crate::cli::output::table;
use crate::cli::{Context, Failure};
use crate::domain::StudyId;
use crate::study::{Calibration, calibrate};

/// What `study calibrate` takes.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// The study
    #[arg(long)]
    study: StudyId,
    /// Wished share of ratings 4 or 5 among the samples kept
    #[arg(long, default_value_t = 0.9)]
    share: f64,
    /// Bootstrap draws
    #[arg(long, default_value_t = 10_000)]
    draws: usize,
    /// Random seed: of the halves and of the draws
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Computes and prints it.
///
/// # Errors
/// No such study, or nothing to calibrate by.
pub fn run(ctx: &Context, a: &CalibrateArgs) -> Result<(), Failure> {
    let store = ctx.read()?;
    let c = calibrate(store.read(), &a.study, a.share, a.draws, a.seed)?;
    ctx.out.show(&c, || lines(&c))
}

fn lines(c: &Calibration) -> String {
    let mut out = format!(
        "{}: share of ratings 4 or 5 by similarity, over {} items{}\n",
        c.study,
        c.items,
        if c.encoders.is_empty() {
            String::new()
        } else {
            format!("; encoder {}", c.encoders.join(", "))
        }
    );
    for note in &c.notes {
        out += &format!("note: {}\n", crate::text::display(note));
    }
    let rows: Vec<Vec<String>> = c
        .curve
        .iter()
        .map(|s| {
            vec![
                format!("{:.3} to {:.3}", s.from, s.to),
                format!("{:.3}", s.share),
                s.items.to_string(),
                s.ratings.to_string(),
            ]
        })
        .collect();
    out += &table(&["similarity", "share 4 or 5", "items", "ratings"], &rows);
    let Some(t) = &c.threshold else {
        return out + &format!("no threshold: {}\n", c.undefined.as_deref().unwrap_or("undefined"));
    };
    out += &format!(
        "for a share of {}: --threshold {:.4}\n  chosen on {} items (there: {:.3}); on the other {} it keeps {}: ",
        c.wished,
        // never above what was chosen: rounding must not turn its own sample away
        (t.similarity * 1e4).floor() / 1e4,
        t.chosen_on,
        t.share_chosen,
        t.reported_on,
        t.kept
    );
    out += &match &t.share {
        Some(e) => {
            format!("{e} of the ratings are 4 or 5; {:.3} without a threshold\n", t.share_all)
        }
        None => "none of them, so that nothing can be said of it\n".to_owned(),
    };
    if t.all_reach {
        out += "  every similarity in the study reaches this share: lower ones were not rated\n";
    }
    out
}
