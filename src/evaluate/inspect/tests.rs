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
fn shares_stand_beside_their_own_options_where_the_highest_code_is_printed_first() {
    let dir = tempfile::tempdir().unwrap();
    survey(dir.path(), "r", ["a", "b"]);
    let run = dir.path().join("r");
    let survey = crate::seeds::sample::survey().unwrap();
    let korean = survey.cultures.iter().find(|c| c.id.as_str() == "korean").unwrap();
    let aim = aim("a", "1-jsd", "seed-wording", "korean");
    let rows = items(&run, &aim).unwrap().rows;
    let mut turned = 0;
    for row in rows {
        let question = survey.question(&row.key.parse().unwrap()).unwrap();
        let printed: Vec<u8> = question.scale.options().iter().map(|o| o.code).collect();
        if printed == question.scale.codes() {
            continue;
        }
        turned += 1;
        let cell = survey.usable(korean, question).unwrap();
        let top = (0..question.scale.len())
            .max_by(|a, b| {
                let shares = cell.distribution.shares();
                shares[*a].total_cmp(&shares[*b]).then(b.cmp(a))
            })
            .unwrap();
        let code = question.scale.codes()[top];
        assert_eq!(row.gold, question.scale.label(code).unwrap(), "{}", row.key);
        let page = document(&run, &aim, &row.key, false).unwrap();
        let answers = page.sections.iter().find(|s| s.head.starts_with("Answers: people")).unwrap();
        let line = format!(
            "{:>5.1}    {:>5.1}    {code} ",
            100.0 * cell.distribution.shares()[top],
            100.0 * cell.distribution.shares()[top]
        );
        assert!(answers.body.as_ref().unwrap().contains(&line), "{line}\n{:?}", answers.body);
    }
    assert!(turned > 0, "no question of the sample is printed from its highest code down");
}

#[test]
fn single_replies_of_an_endpoint_are_found_by_the_content_of_their_requests() {
    use crate::domain::prompt::render;
    use crate::evaluate::drawn::request;
    use crate::evaluate::{Draws, Plan};
    use crate::providers::replies::ReplyKey;
    use serde_json::json;

    let dir = tempfile::tempdir().unwrap();
    survey(dir.path(), "r", ["a", "b"]);
    let run = dir.path().join("r");
    let input = run.join("input");
    let write = |name: &str, text: String| std::fs::write(input.join(name), text).unwrap();
    let endpoint = json!({"kind": "endpoint", "provider": "no-such-provider", "model": "org/m"});
    write("models.json", json!({"path:/a": endpoint}).to_string());
    let draws = Draws::of(3);
    write("draws.json", serde_json::to_string(&draws).unwrap());
    // The second draw of the first prompt, as it was stored; and a third that failed.
    let survey = crate::seeds::sample::survey().unwrap();
    let plan: Plan =
        serde_json::from_slice(&std::fs::read(input.join("plan.json")).unwrap()).unwrap();
    let aim = aim("a", "1-jsd", "seed-wording", "korean");
    let key = items(&run, &aim).unwrap().rows[0].key.clone();
    let question = survey.question(&key.parse().unwrap()).unwrap();
    let korean = survey.cultures.iter().find(|c| c.id.as_str() == "korean").unwrap();
    let prompt = render(question, &question.text, Some(korean), plan.variants(question)[0]);
    let line = |draw: u32, more: serde_json::Value| {
        let key = ReplyKey::of("org/m", &request(&prompt, draw, draws), false).to_string();
        let mut line = json!({"key": key, "status": 200, "at": "2026-03-01T00:00:00Z",
            "by": "openai:lab/m", "body": ""});
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        format!("{line}\n")
    };
    let said = format!("I would say {}.", prompt.answers[1]);
    let body = json!({"choices": [{"message": {"content": said}}]}).to_string();
    let text = "no line of ours\n".to_owned()
        + &line(1, json!({"body": body}))
        + &line(2, json!({"failed": "timeout"}));
    std::fs::write(run.join("attempt-1/replies.jsonl"), text).unwrap();
    let found = document(&run, &aim, &key, false).unwrap();
    let replies: Vec<&Section> =
        found.sections.iter().filter(|s| s.head.starts_with("Replies to")).collect();
    let [one] = &replies[..] else { panic!("{:?}", found.sections) };
    let lines: Vec<&str> = one.body.as_ref().unwrap().lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("#2  ") && lines[0].ends_with(&said), "{lines:?}");
    let code = question.scale.codes()[1];
    assert!(lines[0].contains(question.scale.label(code).unwrap()), "{lines:?}");
    assert_eq!(lines[1], "#3  no reply: timeout");
    // The other model lies in a folder: it was not asked in words.
    let other = Aim { model: "b".into(), ..aim };
    let found = document(&run, &other, &key, false).unwrap();
    assert!(!found.sections.iter().any(|s| s.head.starts_with("Replies to")));
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
