//! The page over made-up workspaces: empty, full, and hostile.

use std::collections::BTreeMap;

use jiff::Timestamp;
use resvg::usvg::roxmltree;
use serde_json::json;

use super::*;
use crate::domain::CultureId;
use crate::job::RunKind;
use crate::report::{EvaluationPart, RunPart, SamplePart};
use crate::store::EvaluationRow;

const HOSTILE: &str =
    "</script></style></svg><img src=x onerror=alert(1)>\u{202e}\u{1b}[31m\u{0}&'\"";

fn empty() -> WorkspaceReport {
    WorkspaceReport {
        created: Timestamp::UNIX_EPOCH,
        version: "0".into(),
        seeds: 0,
        cultures: Vec::new(),
        weighting: Vec::new(),
        samples: SamplePart::default(),
        studies: Vec::new(),
        datasets: Vec::new(),
        models: Vec::new(),
        evaluations: Vec::new(),
    }
}

fn row(model: &str, culture: Option<&str>, value: Option<f64>, seeds: u64) -> EvaluationRow {
    EvaluationRow {
        model: model.into(),
        culture: culture.map(|c| CultureId::new(c).unwrap()),
        split: "held-out-paraphrase".into(),
        question: None,
        metric: "1-jsd".into(),
        value,
        extra: match (seeds, culture) {
            (0, _) => json!({"ci": [0.6, 0.9], "n": 12, "seeds": 0}),
            (_, None) => json!({"ci": [0.6, 0.9], "n": 12, "seeds": seeds, "p_holm": 0.004,
                                "diff": -0.1, "diff_ci": [-0.2, -0.01]}),
            _ => json!({"ci": [0.6, 0.9], "n": 12, "seeds": seeds, "diff": 0.1,
                        "diff_ci": [0.01, 0.2]}),
        },
    }
}

fn full(word: &str) -> (WorkspaceReport, RunsPart) {
    let by = || BTreeMap::from([(word.to_owned(), 3u64), ("other".to_owned(), 1)]);
    let rows = vec![
        row(word, None, Some(0.8), 2),
        row(word, Some("greek"), Some(0.7), 2),
        row("uniform", None, Some(0.5), 0),
        row("uniform", Some("greek"), None, 0),
    ];
    let mut report = empty();
    report.seeds = 2;
    report.cultures = vec![(word.to_owned(), 2)];
    report.samples = SamplePart {
        proposed: 4,
        by_decision: BTreeMap::from([("kept".to_owned(), 3), ("rejected".to_owned(), 1)]),
        by_reason: by(),
        by_stage: by(),
        by_language: by(),
        by_provider: by(),
        held_out: 0,
    };
    report.evaluations = vec![EvaluationPart {
        id: word.into(),
        task: word.into(),
        plan_sha256: word.into(),
        created: Timestamp::UNIX_EPOCH,
        rows,
    }];
    let run = RunPart {
        id: word.into(),
        kind: RunKind::Finetune,
        label: Some(word.into()),
        state: "succeeded".into(),
        attempts: 1,
        queued: Timestamp::UNIX_EPOCH,
        seconds: Some(1.0),
        metrics: BTreeMap::from([
            ("loss".to_owned(), vec![(1.0, 2.0), (2.0, f64::NAN), (3.0, 1.0)]),
            ("eval_loss".to_owned(), vec![(3.0, 1.2)]),
        ]),
        unreadable: Some(word.into()),
    };
    (report, RunsPart { runs: vec![run.clone(), run], older: 7, unreadable: 1 })
}

/// Parses what follows the first line as XML.
fn parsed(page: &str) -> roxmltree::Document<'_> {
    let body = page.strip_prefix("<!DOCTYPE html>\n").unwrap();
    roxmltree::Document::parse(body).unwrap_or_else(|e| panic!("{e}\n{page}"))
}

#[test]
fn an_empty_workspace_says_in_every_section_what_to_do_next() {
    let page = html(&empty(), &RunsPart::default());
    let doc = parsed(&page);
    for (id, _) in SECTIONS {
        assert!(doc.descendants().any(|n| n.attribute("id") == Some(id)), "{id}");
    }
    for command in ["seeds import", "study new", "finetune --dataset", "evaluate --model"] {
        assert!(page.contains(command), "{command}");
    }
}

#[test]
fn hostile_names_stay_text_wherever_they_stand() {
    let (report, runs) = full(HOSTILE);
    let page = html(&report, &runs);
    let doc = parsed(&page);
    for node in doc.descendants().filter(roxmltree::Node::is_element) {
        let tag = node.tag_name().name();
        assert!(!["script", "img", "iframe", "link", "object"].contains(&tag), "{tag}");
        for a in node.attributes() {
            assert!(!a.name().starts_with("on"), "{}", a.name());
            assert!(a.name() != "href" || a.value().starts_with('#'), "{}", a.value());
            assert!(!["src", "srcset", "action"].contains(&a.name()));
        }
    }
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}') && !page.contains('\u{0}'));
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
}

#[test]
fn figures_have_their_interval_n_and_mark_and_baselines_are_in() {
    let (report, runs) = full("tiny-greek");
    let page = html(&report, &runs);
    // A difference that is more than chance says which way it goes.
    assert!(page.contains("0.800 ▼**<small>[0.600, 0.900] n=12</small>"), "{page}");
    assert!(page.contains("0.700 ▲<small>[0.600, 0.900] n=12</small>"), "{page}");
    assert!(page.contains("baseline: uniform"));
    assert!(page.contains("undefined"));
    assert!(page.contains("1 not drawn: NaN or infinite"), "a loss that is no number is said");
    assert!(page.contains("eval_loss, smoothed"));
    assert!(page.contains("prefers-color-scheme:dark"));
}
