use serde_json::{Value, json};

use super::*;
use crate::domain::CultureId;
use crate::store::EvaluationRow;

fn row(
    model: &str,
    culture: Option<&str>,
    split: &str,
    metric: &str,
    value: f64,
    extra: Value,
) -> EvaluationRow {
    EvaluationRow {
        model: model.into(),
        culture: culture.map(|c| CultureId::new(c).unwrap()),
        split: split.into(),
        question: None,
        metric: metric.into(),
        value: value.is_finite().then_some(value),
        extra,
    }
}

fn survey_row(
    model: &str,
    culture: Option<&str>,
    metric: &str,
    value: f64,
    diff: Option<(f64, f64, f64)>,
) -> EvaluationRow {
    let mut extra = json!({
        "ci": [value - 0.01, value + 0.01], "n": 40, "unit": "question",
        "seeds": u64::from(model.starts_with("model")), "exploratory": false,
    });
    if let Some((d, lo, hi)) = diff {
        extra["diff"] = json!(d);
        extra["diff_ci"] = json!([lo, hi]);
        extra["baseline"] = json!("mixture of other cultures");
    }
    row(model, culture, "held-out-question", metric, value, extra)
}

#[test]
fn no_rows_and_rows_of_single_questions_make_no_table() {
    assert_eq!(slices(&[], Across::Cultures), []);
    let mut one = survey_row("m", None, "1-jsd", 0.9, None);
    one.question = Some("Q27".parse().unwrap());
    assert_eq!(slices(&[one], Across::Cultures), []);
}

#[test]
fn values_that_are_undefined_or_no_numbers_stay_cells_without_a_value() {
    let mut nan = survey_row("model a", None, "1-jsd", 0.5, None);
    nan.value = Some(f64::NAN);
    let mut none = survey_row("model b", None, "1-jsd", 0.5, None);
    none.value = None;
    none.extra = json!({"note": "one question leaves nothing to resample", "ci": [1], "n": "x"});
    let rows = [nan, none];
    let board = leaderboard(&rows, &slices(&rows, Across::Cultures)[0], Across::Cultures);
    assert_eq!(board.range(), None);
    assert_eq!(board.legend(), "");
    let cell = board.rows[1].cells[0].as_ref().unwrap();
    assert!(cell.value.is_none() && cell.note.contains("resample") && cell.ci.is_none());
}

#[test]
fn a_survey_has_its_baselines_ceiling_and_groups_beside_the_models() {
    let rows = [
        survey_row("mixture of other cultures", None, "1-jsd", 0.93, None),
        survey_row("human split-half (ceiling)", None, "1-jsd", 0.99, None),
        survey_row("model a", Some("korean"), "1-jsd", 0.95, Some((0.02, 0.01, 0.03))),
        survey_row("model a", None, "1-jsd over all (shared questions)", 0.9, None),
        survey_row("model a", None, "1-jsd", 0.94, Some((0.01, -0.01, 0.03))),
        survey_row("model a", None, "wasserstein", 0.1, Some((-0.02, -0.03, -0.01))),
    ];
    let all = slices(&rows, Across::Cultures);
    assert_eq!(all[0], Slice { metric: "1-jsd".into(), split: Some("held-out-question".into()) });
    let board = leaderboard(&rows, &all[0], Across::Cultures);
    assert_eq!(board.columns, ["all", "all (shared questions)", "korean"]);
    let kinds: Vec<RowKind> = board.rows.iter().map(|r| r.kind).collect();
    assert_eq!(kinds, [RowKind::Baseline, RowKind::Ceiling, RowKind::Model]);
    let marks: Vec<&str> = board.rows[2]
        .cells
        .iter()
        .map(|c| c.as_ref().map_or("none", |f| f.mark("1-jsd").as_str()))
        .collect();
    assert_eq!(marks, ["", "", "+"]);
    assert!(board.legend().contains("mixture of other cultures"), "{}", board.legend());
    // Less of a distance is better.
    let board = leaderboard(&rows, &all[1], Across::Cultures);
    assert_eq!(board.rows[0].cells[0].as_ref().unwrap().mark("wasserstein").as_str(), "+");
}

#[test]
fn tasks_stand_across_and_differences_become_part_of_the_figure() {
    let f1 = |model: &str, value: f64| {
        row(
            model,
            Some("korean"),
            "korean/hate",
            "macro-f1",
            value,
            json!({"n": 100, "unit": "text"}),
        )
    };
    let difference = |p: f64, note: &str| {
        let extra = json!({"model": "b", "against": "a", "ci": [0.1, 0.3], "p": p, "note": note});
        row("b against a", Some("korean"), "korean/hate", "macro-f1 difference", 0.2, extra)
    };
    let mean = row("b", Some("korean"), "mean", "macro-f1", 0.7, json!({}));
    let over = row("b", None, "all:eight kinds", "macro-f1", 0.71, json!({}));
    let mut rows = vec![
        f1("best constant", 0.4),
        f1("a", 0.5),
        f1("b", 0.7),
        difference(0.01, "p after Holm over the table"),
        mean,
        over,
    ];
    let slice = &slices(&rows, Across::Tasks)[0];
    let board = leaderboard(&rows, slice, Across::Tasks);
    assert_eq!(board.columns, ["korean/hate", "all:eight kinds"]);
    let b = board.rows[2].cells[0].clone().unwrap();
    assert_eq!((b.against.as_deref(), b.diff, b.p_holm), (Some("a"), Some(0.2), Some(0.01)));
    assert_eq!(b.mark("macro-f1").as_str(), "+*");
    assert_eq!(board.rows[0].kind, RowKind::Baseline);
    let cultures = slices(&rows, Across::Cultures);
    let board = leaderboard(&rows, &cultures[0], Across::Cultures);
    assert_eq!(board.columns, ["all", "korean"]);
    // Where a label has too few items, nothing is claimed.
    rows[3] = difference(0.01, "no claim: a label has fewer than 20 items");
    let board = leaderboard(&rows, slice, Across::Tasks);
    assert_eq!(board.rows[2].cells[0].as_ref().unwrap().mark("macro-f1"), Mark::None);
}

#[test]
fn sixty_cultures_and_thirty_models_make_one_table() {
    let rows: Vec<EvaluationRow> = (0..30)
        .flat_map(|m| (0..60).map(move |c| (m, c)))
        .map(|(m, c)| {
            survey_row(&format!("model {m}"), Some(&format!("culture-{c}")), "1-jsd", 0.9, None)
        })
        .collect();
    let board = leaderboard(&rows, &slices(&rows, Across::Cultures)[0], Across::Cultures);
    assert_eq!((board.columns.len(), board.rows.len()), (60, 30));
    assert!(board.rows.iter().all(|r| r.cells.iter().all(Option::is_some)));
}
