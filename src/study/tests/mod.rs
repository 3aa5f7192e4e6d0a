//! The room's door: bad inputs first, then golden values, the plan's properties, whole studies.

mod after;
mod agreement;
mod files;
mod grouping;
mod judge;
mod plan;
mod sampling;
mod setting_up;
mod whole;

use std::path::{Path, PathBuf};

use crate::domain::*;
use crate::store::{Item, ItemKind, Rater, RaterKind};

fn question(n: usize) -> Question {
    let options = (1..=4).map(|code| ScaleOption { code, label: format!("option {code}") });
    Question {
        id: QuestionId::new(format!("Q{n}")).unwrap(),
        topic: Topic(if n.is_multiple_of(2) { "work" } else { "family" }.into()),
        language: "en".into(),
        text: format!("People of group {n} should be heard by everyone"),
        form: if n.is_multiple_of(5) { Form::Question } else { Form::Statement },
        scale: Scale::new(options.collect(), ScaleKind::Ordinal, Direction::HigherIsLess).unwrap(),
        notes: Vec::new(),
    }
}

pub(super) fn survey(seeds: usize) -> Survey {
    Survey { questions: (1..=seeds).map(question).collect(), ..Survey::default() }
}

fn sample(seed: usize, n: usize) -> Sample {
    Sample {
        id: SampleId::new(format!("s{seed}-{n}")).unwrap(),
        seed: QuestionId::new(format!("Q{seed}")).unwrap(),
        language: "en".into(),
        text: format!("Everyone should hear the people of group {seed}, way {n}"),
        stage: Stage::Template,
        similarity: None,
        decision: Decision::Kept,
        provenance: Provenance {
            provider: "offline".into(),
            version: "1".into(),
            run: None,
            template: None,
            family: None,
            held_out: false,
            parent: None,
            substitutions: Vec::new(),
            seed: 0,
            reply: None,
        },
    }
}

/// `each` samples of each of `seeds` seeds.
pub(super) fn samples(seeds: usize, each: usize) -> Vec<Sample> {
    (1..=seeds).flat_map(|s| (0..each).map(move |n| sample(s, n))).collect()
}

fn rater(name: &str, languages: &[&str]) -> Rater {
    Rater {
        id: RaterId::new(name).unwrap(),
        kind: RaterKind::Human,
        languages: languages.iter().map(|l| (*l).to_owned()).collect(),
        cultures: Vec::new(),
        consent: None,
    }
}

pub(super) fn raters(n: usize) -> Vec<Rater> {
    (0..n).map(|i| rater(&format!("r{i:02}"), &["en"])).collect()
}

fn of_kind(items: &[Item], kind: ItemKind) -> usize {
    items.iter().filter(|i| i.kind == kind).count()
}

fn file(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("ratings.csv");
    std::fs::write(&path, text).unwrap();
    path
}
