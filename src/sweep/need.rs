//! What a sweep will take, said before it starts.

use serde::Serialize;

use super::arms::SweepSpec;
use super::run::{Laid, SweepError, lay_out};
use crate::finetune::Recipe;
use crate::launch::{Place, dataset_of, needs};

/// Runs, time and disk of a sweep, estimated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepNeed {
    /// Its name: the same for the same spec on the same texts.
    pub name: String,
    /// Its arms, as printed.
    pub arms: Vec<String>,
    /// Fine-tunes: one an arm and training seed.
    pub fine_tunes: u64,
    /// Memory of the largest fine-tune, bytes; none where a service trains.
    pub memory: Option<u64>,
    /// Disk of all fine-tunes, bytes.
    pub disk: u64,
    /// Seconds of all fine-tunes on this machine, one after the other; without the evaluation.
    pub seconds: Option<f64>,
    /// By what an earlier run of the same shape did; otherwise by the speed of this machine.
    pub measured: bool,
}

/// Estimates a sweep. Its datasets are built in memory, so that what cannot be built is said now;
/// nothing is stored.
///
/// # Errors
/// As [`run`](super::run()), as far as it comes without a run.
pub fn need(place: &Place, spec: &SweepSpec) -> Result<SweepNeed, SweepError> {
    let Laid { name, arms, .. } = lay_out(place, spec)?;
    let recipe = Recipe::parse(&spec.recipe, "the sweep's recipe")?;
    let mut out = SweepNeed {
        name,
        arms: arms.iter().map(|a| a.label.clone()).collect(),
        fine_tunes: arms.len() as u64 * spec.seeds,
        memory: None,
        disk: 0,
        seconds: Some(0.0),
        measured: true,
    };
    for arm in &arms {
        let (built, survey) = dataset_of(place, &arm.dataset)
            .map_err(|source| SweepError::Dataset { arm: arm.label.clone(), source })?;
        let one = needs(place, &recipe, &built.examples, &survey)?;
        out.memory = out.memory.max(one.map(|n| n.memory));
        out.disk += one.map_or(0, |n| n.disk) * spec.seeds;
        let time = one.and_then(|n| n.time);
        out.measured &= time.is_some_and(|t| t.measured);
        out.seconds = out.seconds.zip(time).map(|(s, t)| s + t.seconds * spec.seeds as f64);
    }
    Ok(out)
}

impl SweepNeed {
    /// `20 fine-tunes (4 arms, 5 seeds each) and 1 evaluation · ..`
    pub fn in_words(&self, slots: u32) -> String {
        let arms = self.arms.len() as u64;
        let each = self.fine_tunes.checked_div(arms).unwrap_or(0);
        let count = |n: u64, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let mut out = format!(
            "{} ({}, {} each) and 1 evaluation",
            count(self.fine_tunes, "fine-tune"),
            count(arms, "arm"),
            count(each, "seed"),
        );
        match self.seconds {
            Some(s) => {
                let how = if self.measured { "as earlier runs went" } else { "roughly" };
                out += &format!(" · about {} of training one after the other, {how}", time(s));
                if slots > 1 {
                    out += &format!(" ({slots} threads share it here)");
                }
            }
            None => out += " · how long is not known: a service trains",
        }
        if self.disk > 0 {
            out += &format!(" · at most {} of disk", size(self.disk));
        }
        if let Some(m) = self.memory {
            out += &format!(" · {} of memory for each that runs", size(m));
        }
        out
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{:.0} s", s.max(1.0)),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

fn size(bytes: u64) -> String {
    match bytes as f64 / f64::from(1 << 20) {
        m if m < 1000.0 => format!("{:.0} MiB", m.ceil()),
        m => format!("{:.1} GiB", m / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_takes_is_said_in_words_and_what_is_not_known_too() {
        let mut need = SweepNeed {
            name: "samples-1".into(),
            arms: vec!["50 texts".into(), "100 texts".into()],
            fine_tunes: 10,
            memory: Some(100 << 20),
            disk: 3 << 30,
            seconds: Some(600.0),
            measured: true,
        };
        assert_eq!(
            need.in_words(2),
            "10 fine-tunes (2 arms, 5 seeds each) and 1 evaluation · about 10 min of training one \
             after the other, as earlier runs went (2 threads share it here) · at most 3.0 GiB of \
             disk · 100 MiB of memory for each that runs"
        );
        (need.seconds, need.memory, need.disk) = (None, None, 0);
        assert!(
            need.in_words(1).ends_with("1 evaluation · how long is not known: a service trains")
        );
    }
}
