//! How much of a model's answers follows the culture it is asked about, and how much the way it is
//! asked (arXiv 2503.08688: a culture effect smaller than the prompt effect is none).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Plan, Reference, ResultLine};
use crate::domain::{Distribution, QuestionId, Split, TestText};

/// Variance of the mean answer (rank / (K - 1), 0 to 1) over each factor, averaged over questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VarianceShare {
    /// The arm.
    pub model: String,
    /// The split.
    pub split: Split,
    /// Between cultures, prompts and orders averaged.
    pub culture: f64,
    /// Between prompt forms, cultures and orders averaged.
    pub prompt: f64,
    /// Between option orders, cultures and forms averaged.
    pub order: f64,
    /// Between label symbols, the others averaged; 0 where the plan has one kind.
    #[serde(default)]
    pub symbols: f64,
    /// What is left of the whole variance over all prompts of a question: interactions, and
    /// different texts.
    #[serde(default)]
    pub rest: f64,
    /// Questions.
    pub n: usize,
    /// The culture effect is smaller than the prompt effect: this model's cultures are prompts.
    pub prompt_exceeds_culture: bool,
}

/// Values by level of one factor.
#[derive(Debug, Default)]
struct Factor(BTreeMap<String, (f64, f64)>);

impl Factor {
    fn add(&mut self, level: String, x: f64) {
        let (sum, n) = self.0.entry(level).or_default();
        *sum += x;
        *n += 1.0;
    }

    /// Population variance of the level means.
    fn variance(&self) -> f64 {
        let means: Vec<f64> = self.0.values().map(|(s, n)| s / n).collect();
        let mean = means.iter().sum::<f64>() / means.len().max(1) as f64;
        means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / means.len().max(1) as f64
    }
}

/// The shares of every arm on every split. Arms of one-culture models are left out: each of them
/// knows one culture only.
pub fn variance_shares(
    plan: &Plan,
    reference: &Reference<'_>,
    texts: &[TestText],
    lines: &[ResultLine],
) -> Vec<VarianceShare> {
    let splits: BTreeMap<&str, Split> =
        texts.iter().map(|t| (t.text_id.as_str(), t.split)).collect();
    let arms: BTreeMap<String, &str> = plan
        .models
        .iter()
        .filter(|m| m.trained_for.is_none() && !m.framing.is_same_for_all())
        .map(|m| (m.key(), m.arm.as_str()))
        .collect();
    let mut factors: BTreeMap<(&str, Split, &QuestionId), [Factor; 5]> = BTreeMap::new();
    for line in lines {
        let (Some(arm), Some(split)) = (arms.get(&line.model), splits.get(line.text_id.as_str()))
        else {
            continue;
        };
        let entry = factors.entry((arm, *split, &line.question)).or_default();
        for c in &line.cultures {
            if reference.truth(&c.culture, &line.question).is_none() {
                continue;
            }
            for (variant, scores) in line.variants.iter().zip(&c.scores) {
                if !scores.has_answer() {
                    continue;
                }
                let Ok(d) = scores.distribution() else { continue };
                let x = position(&d);
                entry[0].add(c.culture.to_string(), x);
                entry[1].add(variant.form.as_str().to_owned(), x);
                entry[2].add(format!("{:?}", variant.order), x);
                entry[3].add(format!("{:?}", variant.symbols), x);
                // Every answer is a level of its own: the whole.
                let all = entry[4].0.len();
                entry[4].add(all.to_string(), x);
            }
        }
    }
    let mut sums: BTreeMap<(&str, Split), ([f64; 5], usize)> = BTreeMap::new();
    for ((arm, split, _), f) in &factors {
        let (sum, n) = sums.entry((arm, *split)).or_default();
        sum.iter_mut().zip(f).for_each(|(s, f)| *s += f.variance());
        *n += 1;
    }
    sums.into_iter()
        .map(|((arm, split), (sum, n))| {
            let [culture, prompt, order, symbols, whole] = sum.map(|s| s / n as f64);
            VarianceShare {
                model: arm.to_owned(),
                split,
                culture,
                prompt,
                order,
                symbols,
                rest: (whole - culture - prompt - order - symbols).max(0.0),
                n,
                prompt_exceeds_culture: culture < prompt,
            }
        })
        .collect()
}

fn position(d: &Distribution) -> f64 {
    d.mean_rank() / (d.len() - 1) as f64
}
