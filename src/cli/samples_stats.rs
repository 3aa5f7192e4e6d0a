//! `polyculture samples stats`: counts by decision and reason, and how various the kept texts are.

use serde_json::json;

use super::output::note;
use super::{Context, Failure};
use crate::augment::similarity::{Lexical, SimilarityModel};
use crate::augment::text_metrics;
use crate::domain::Stage;
use crate::store::{DecisionKind, SampleFilter};

/// Prints the figures.
///
/// # Errors
/// The workspace cannot be read.
pub fn run(ctx: &Context) -> Result<(), Failure> {
    let store = ctx.read()?;
    let survey = store.read().survey()?;
    let counts = store.read().sample_counts(&SampleFilter::default())?;
    let kept = store.read().all_samples(&SampleFilter {
        decision: Some(DecisionKind::Kept),
        ..SampleFilter::default()
    })?;
    let kept: Vec<_> = kept
        .into_iter()
        .filter(|s| !s.provenance.held_out && s.stage != Stage::Translation)
        .collect();
    let filter = Lexical::new(survey.questions.iter().map(|q| q.text.as_str()));
    let metrics = text_metrics(&kept, &survey.questions, &filter)?;
    if let Some(n) = filter.note() {
        note(&format!("note: {n}"));
    }
    ctx.out.show(&json!({"counts": counts, "kept_for_training": metrics}), || {
        let mut out = String::new();
        for c in &counts {
            out += &format!("{:>6}  {} {}\n", c.n, c.decision.as_str(), c.reason);
        }
        let Some(m) = &metrics else {
            return out + "No kept samples yet. Grow some with `polyculture augment --wait`.\n";
        };
        out += &format!("\nkept for training: n = {} texts\n", m.n);
        out += &format!(
            "distinct-1, -2, -3      {:.3}  {:.3}  {:.3}   (share of n-grams that differ)\n",
            m.distinct[0], m.distinct[1], m.distinct[2]
        );
        if let Some(b) = m.self_bleu {
            out += &format!("self-BLEU-4             {b:.3}                 (1 = all texts of a seed alike)\n");
        }
        out += &format!("perplexity              {:.1}                  (bigrams of the seeds, per word)\n", m.perplexity);
        out += &format!(
            "diversity gain          {:.3}                 (mean 1 - similarity to the nearest seed, {})\n",
            m.diversity_gain, m.similarity_model
        );
        if let Some(d) = m.within_seed_distance {
            out += &format!("distance within a seed  {d:.3}                 (mean over pairs)\n");
        }
        out
    })
}
