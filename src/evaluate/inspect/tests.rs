mod made;

use super::*;
use made::{classification, survey};

fn aim(model: &str, metric: &str, split: &str, column: &str) -> Aim {
    Aim { model: model.into(), metric: metric.into(), split: split.into(), column: column.into() }
}

#[test]
fn a_run_whose_folder_is_gone_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let error = items(dir.path(), &aim("m", "1-jsd", "seed-wording", "all")).unwrap_err();
    assert!(error.to_string().contains("only its figures are left"), "{error}");
}

#[test]
fn a_changed_plan_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    survey(dir.path(), "r", ["a", "b"]);
    let plan = dir.path().join("r/input/plan.json");
    let text = std::fs::read_to_string(&plan).unwrap().replace("\"draws\": 500", "\"draws\": 501");
    std::fs::write(&plan, text).unwrap();
    let error =
        items(&dir.path().join("r"), &aim("a", "1-jsd", "seed-wording", "all")).unwrap_err();
    assert!(error.to_string().contains("checksum"), "{error}");
}

#[test]
fn questions_of_a_survey_come_with_the_mixture_and_the_one_who_knows_wins_them_all() {
    let dir = tempfile::tempdir().unwrap();
    survey(dir.path(), "r", ["a", "b"]);
    let run = dir.path().join("r");
    let of = |model: &str, column: &str| items(&run, &aim(model, "1-jsd", "seed-wording", column));
    let korean = of("a", "korean").unwrap();
    assert!(korean.rows.iter().all(|r| r.score.unwrap() > 0.999 && r.gold == r.said));
    assert!(korean.rows.iter().all(|r| r.baseline.unwrap() < r.score.unwrap()));
    let all = of("a", "all").unwrap();
    assert!(all.rows.len() >= korean.rows.len());
    assert_eq!(of("mixture of other cultures", "korean").unwrap().rows.len(), korean.rows.len());
    assert!(of("nobody", "korean").is_err());
    let c = compare(&run, &aim("b", "wasserstein", "seed-wording", "all"), "a").unwrap();
    assert_eq!(c.wins[0], 0, "a distance is better when it is less");
    assert!(c.diff.unwrap() < 0.0 && c.ci.unwrap()[1] < 0.0 && c.p.unwrap() < 0.01);
    let d =
        document(&run, &aim("a", "1-jsd", "seed-wording", "korean"), &korean.rows[0].key, false);
    let heads: Vec<String> = d.unwrap().sections.into_iter().map(|s| s.head).collect();
    assert!(heads.iter().any(|h| h == "First prompt"), "{heads:?}");
}

#[test]
fn items_of_a_set_fill_the_matrix_and_abusive_text_is_left_out_unless_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let (task, n) = classification(dir.path(), "r", ["a", "b"]);
    let run = dir.path().join("r");
    let of_b = aim("b", "macro-f1", &task, "all");
    let found = items(&run, &of_b).unwrap();
    assert_eq!(found.rows.len(), n);
    let matrix = found.confusion.unwrap();
    let all: u64 = matrix.counts.iter().flatten().sum();
    let refused: u64 = matrix.counts.iter().map(|r| r[matrix.labels.len()]).sum();
    assert_eq!((all, refused), (n as u64, n.div_ceil(3) as u64));
    let key = format!("{task} 0");
    let hidden = document(&run, &aim("a", "macro-f1", &task, "all"), &key, false).unwrap();
    assert!(hidden.may_abuse);
    for s in hidden
        .sections
        .iter()
        .filter(|s| ["Text", "Prompt in full", "Reply"].contains(&s.head.as_str()))
    {
        assert!(s.body.is_none() && s.length > 0, "{s:?}");
    }
    let shown = document(&run, &aim("a", "macro-f1", &task, "all"), &key, true).unwrap();
    assert!(shown.sections.iter().all(|s| s.body.is_some()));
    assert!(
        shown
            .sections
            .iter()
            .any(|s| s.body.as_deref() == Some("a long reply that quotes the text"))
    );
    let c = compare(&run, &aim("a", "macro-f1", &task, "all"), "b").unwrap();
    assert_eq!(c.wins.iter().sum::<usize>(), n);
    assert!(c.wins[0] > c.wins[2] && c.diff.unwrap() > 0.0 && c.p.is_some());
    let error = items(&run, &aim("best constant", "macro-f1", &task, "all")).unwrap_err();
    assert!(error.to_string().contains("needs no model"), "{error}");
}
