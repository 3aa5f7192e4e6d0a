//! The room's door, tested on real files.

mod opening;
mod pages;
mod rated;
mod records;
mod samples;
mod survey;
mod writing;

use std::path::Path;

use serde_json::json;

use super::*;
use crate::domain::*;

pub(super) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

pub(super) fn workspace(dir: &Path) -> Workspace {
    Workspace::create(dir).unwrap()
}

pub(super) fn question(id: &str, language: &str) -> Question {
    let options = (1..=4).map(|code| ScaleOption { code, label: format!("{language} {code}") });
    Question {
        id: QuestionId::new(id).unwrap(),
        topic: Topic("social values".into()),
        language: language.into(),
        text: format!("{id} in {language}"),
        form: Form::Statement,
        scale: Scale::new(options.collect(), ScaleKind::Ordinal, Direction::HigherIsLess).unwrap(),
        notes: vec!["a note".into()],
    }
}

pub(super) fn survey() -> Survey {
    let mut s = Survey {
        questions: vec![question("Q28", "en"), question("Q27", "en")],
        cultures: vec![Culture {
            id: CultureId::new("arabic").unwrap(),
            name: "Arabic".into(),
            countries: vec![CountryCode::new("JOR").unwrap(), CountryCode::new("IRQ").unwrap()],
            place: "Iraq and Jordan".into(),
            language: "ar".into(),
        }],
        ..Survey::default()
    };
    let mut counts = OptionCounts::new(Weighting::WWeight);
    counts.add(AnswerCode::Valid(1), 0.75);
    counts.add(AnswerCode::Valid(200), 1.25);
    counts.add(AnswerCode::Missing(MissingKind::NotAsked), 1.0);
    let key = (CountryCode::new("IRQ").unwrap(), QuestionId::new("Q27").unwrap());
    s.counts.insert(key.clone(), counts);
    let means = PaperMeans { all: 1.5, first_thousand: 1.25, respondents: 1200 };
    s.paper_means.insert(key, means);
    s
}

pub(super) fn import(sha: &str) -> ImportRecord {
    ImportRecord {
        kind: "survey".into(),
        file: "wvs.csv".into(),
        sha256: sha.into(),
        report: json!({"rows": 3}),
    }
}

pub(super) fn sample(n: usize) -> Sample {
    Sample {
        id: SampleId::new(format!("s{n}")).unwrap(),
        seed: QuestionId::new(format!("Q{}", 27 + n % 3)).unwrap(),
        language: "en".into(),
        text: format!("Text number {n}, 100% sure_"),
        stage: if n.is_multiple_of(2) { Stage::Template } else { Stage::Synonym },
        similarity: (!n.is_multiple_of(4))
            .then(|| Similarity::new(1.0 / (n % 7 + 1) as f64).unwrap()),
        decision: match n % 5 {
            0 => Decision::Rejected(RejectReason::Broken {
                guard: "quotes".into(),
                detail: "one".into(),
            }),
            1 => Decision::Failed(FailReason::NoRule { detail: "none".into() }),
            _ => Decision::Kept,
        },
        provenance: Provenance {
            held_out: false,
            provider: "offline".into(),
            version: "1".into(),
            run: Some(format!("run-{}", n % 2)),
            template: None,
            family: Some("cleft".into()),
            parent: None,
            substitutions: vec![],
            seed: 7,
            reply: None,
        },
    }
}
