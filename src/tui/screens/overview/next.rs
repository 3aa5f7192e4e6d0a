//! The next step: what somebody who knows the loop would do now.

use crate::report::Standing;
use crate::tui::screen::{ScreenId, Shared, Told};

/// A step, and where it is taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What and why, in a sentence or two.
    pub says: String,
    /// The screen.
    pub to: ScreenId,
    /// What that screen is told.
    pub told: Option<Told>,
}

fn to(to: ScreenId, told: Option<&'static str>, says: impl Into<String>) -> Step {
    Step { says: says.into(), to, told: told.map(Told::Start) }
}

/// The first thing that is missing, in the order of the loop.
pub fn step(s: &Standing, shared: &Shared) -> Step {
    if shared.engine.open().next().is_some() {
        return to(
            ScreenId::Runs,
            None,
            "Runs are under way: watch them. Nothing stops when you leave.",
        );
    }
    if s.seeds == 0 {
        return to(
            ScreenId::Seeds,
            Some("import"),
            "There are no seeds yet: import survey questions with their answers.",
        );
    }
    if s.kept + s.rejected + s.failed == 0 {
        return to(
            ScreenId::Seeds,
            Some("augment"),
            "Grow samples from the seeds. The offline rules need no key and take seconds.",
        );
    }
    let waiting = s.studies.iter().find(|st| st.status.planned.is_some() && left(st) > 0);
    if let Some(st) = waiting {
        return to(
            ScreenId::Rate,
            None,
            format!("{} ratings of study {} are still to be given.", left(st), st.id),
        );
    }
    if s.studies.is_empty() && s.kept > 0 {
        return to(
            ScreenId::Rate,
            Some("own"),
            "Rate twenty samples beside their seeds: it shows what the filter lets through.",
        );
    }
    if s.datasets == 0 {
        return to(
            ScreenId::Finetune,
            Some("dataset"),
            "Build a dataset from the seeds and the kept samples.",
        );
    }
    if s.models == 0 {
        return to(ScreenId::Finetune, Some("tune"), "Fine-tune a model on the dataset.");
    }
    if s.evaluations == 0 {
        return to(
            ScreenId::Evaluate,
            Some("new"),
            "Evaluate the models, beside baselines that any of them has to beat.",
        );
    }
    to(ScreenId::Evaluate, None, "Look at the newest evaluation: which differences hold?")
}

/// Ratings that people still owe.
pub fn left(st: &crate::report::StudyStanding) -> u64 {
    st.status.assigned.saturating_sub(st.status.rated + st.status.skipped)
}
