//! A model judge from the frozen input to the agreement: scripted models, real files, the real
//! database and the real merge.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::*;
use crate::domain::{CultureId, RunId, StudyType};
use crate::ingest::ingest;
use crate::job::{Attempt, JobError, NewRun, NoProgress, RunKind, RunSpec, read_jsonl};
use crate::providers::chat::testing::Scripted;
use crate::providers::{CallFailed, ChatModel, ChatRequest, ModelSource};
use crate::store::{Action, NewEvent, Shown, VerdictClass, Workspace};
use crate::study::judge::*;
use crate::study::*;

fn study_name() -> StudyId {
    StudyId::new("s").unwrap()
}

/// A workspace with a study of 12 samples, planned for two people who rated everything 4, controls
/// as expected.
fn rated(dir: &Path) -> (Workspace, Vec<Item>) {
    let mut ws = Workspace::create(dir).unwrap();
    let new = NewStudy { k: 2, ..NewStudy::named(study_name(), 12, 3) };
    let items = create_study(&mut ws, &samples(6, 2), &survey(6), &new).unwrap();
    fix_plan(&mut ws, &study_name(), &raters(2)).unwrap();
    for a in ws.read().assignments(&study_name()).unwrap() {
        let item = items.iter().find(|i| i.id == a.content.item).unwrap();
        let score = item.expected.map_or(4, |e| e.0);
        let action = Action::Submit(Score::new(score).unwrap());
        ws.submit_rating(&NewEvent::new(a.id, a.content.rater, action)).unwrap();
    }
    (ws, items)
}

fn spec(rater: &str) -> JudgeSpec {
    let prompt = judge_prompt(StudyType::Similarity, "similarity").unwrap();
    JudgeSpec {
        study: study_name(),
        rater: RaterId::new(rater).unwrap(),
        model: "lab/m".into(),
        source: ModelSource::Endpoint { provider: "lab".into(), model: "m".into() },
        study_type: StudyType::Similarity,
        guideline: Guideline::similarity().unwrap(),
        guidelines: std::collections::BTreeMap::new(),
        prompt_sha256: checksum(&prompt.source),
        prompt: prompt.source,
    }
}

/// A run's folder with its first attempt.
fn run(dir: &Path, spec: &JudgeSpec, items: &[Item]) -> (RunSpec, Attempt) {
    let (folder, run) = NewRun::new(RunKind::Judge, dir)
        .create(&dir.join("runs"), |input| {
            std::fs::write(input.join("judge.json"), serde_json::to_vec(spec).unwrap())
                .map_err(JobError::io(input))?;
            let lines: String =
                items.iter().map(|i| serde_json::to_string(i).unwrap() + "\n").collect();
            std::fs::write(input.join("items.jsonl"), lines).map_err(JobError::io(input))
        })
        .unwrap();
    let attempt = Attempt::create(&folder, 1).unwrap();
    (run, attempt)
}

type Answer = Result<String, CallFailed>;

/// Opens a scripted model that notes what it was asked.
fn scripted(
    asked: &Arc<Mutex<Vec<ChatRequest>>>,
    answer: impl Fn(&str) -> Answer + Send + Clone + 'static,
) -> impl FnMut(&ModelSource) -> Result<Box<dyn ChatModel>, String> {
    let asked = asked.clone();
    move |_| {
        let (asked, answer) = (asked.clone(), answer.clone());
        Ok(Box::new(Scripted(move |r: &ChatRequest| {
            asked.lock().unwrap().push(r.clone());
            answer(&r.messages.last().unwrap().content)
        })) as Box<dyn ChatModel>)
    }
}

fn judged(
    attempt: &Attempt,
    answer: impl Fn(&str) -> Answer + Send + Clone + 'static,
) -> (Result<JudgeSummary, JobError>, Vec<ChatRequest>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let out = work(attempt, &mut NoProgress, &mut scripted(&asked, answer));
    let asked = asked.lock().unwrap().clone();
    (out, asked)
}

#[test]
fn a_judge_cannot_take_a_persons_name_or_change_its_prompt() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ws, items) = rated(dir.path());
    let e = open_items(ws.read(), &study_name(), &RaterId::new("r00").unwrap()).unwrap_err();
    assert!(e.to_string().contains("no person"), "{e}");
    assert!(open_items(ws.read(), &StudyId::new("none").unwrap(), &spec("j").rater).is_err());
    let first = spec("j");
    let line = VerdictLine {
        item: items[0].id.clone(),
        sha256: items[0].sha256.clone(),
        shown: Shown::SeedFirst,
        outcome: VerdictClass::Score,
        score: Some(4),
        detail: String::new(),
        reply: String::new(),
        key: "k".into(),
        model: "m".into(),
    };
    let id = RunId::new("run").unwrap();
    let mut put = |spec: &JudgeSpec, line: &VerdictLine| {
        ws.write_as(|tx| put_verdicts(tx, spec, &id, std::slice::from_ref(line)))
    };
    assert!(put(&spec("r00"), &line).is_err(), "a person's name");
    let foreign = VerdictLine { sha256: "0".repeat(64), ..line.clone() };
    assert!(put(&first, &foreign).unwrap_err().to_string().contains("texts that were judged"));
    assert_eq!(put(&first, &line).unwrap(), 1);
    let mut other = spec("j");
    other.model = "lab/bigger".into();
    assert!(put(&other, &line).unwrap_err().to_string().contains("another rater name"));
    let mut tampered = spec("j2");
    tampered.prompt = tampered.prompt.replace("One", "Two") + "\n# changed";
    assert!(put(&tampered, &line).unwrap_err().to_string().contains("frozen"));
    // what was said stays, and a second merge changes nothing
    let later = VerdictLine { score: Some(1), ..line.clone() };
    assert_eq!(put(&first, &later).unwrap(), 0);
    assert_eq!(put(&first, &line).unwrap(), 0);
    assert_eq!(ws.read().verdicts(&study_name(), &first.rater).unwrap()[0].score, Some(4));
}

#[test]
fn a_judge_rates_every_item_in_both_orders_and_stands_apart_from_people() {
    let dir = tempfile::tempdir().unwrap();
    let (ws, items) = rated(dir.path());
    let before = results(ws.read(), &study_name(), 200, 1).unwrap();
    let (run, attempt) = run(dir.path(), &spec("j"), &items);
    // likes what stands first when it is the seed: 5, else 3; identical texts always 5
    let seeds: BTreeSet<String> = items.iter().map(|i| i.seed_text.clone()).collect();
    let (out, asked) = judged(&attempt, move |user| {
        let first = user.split("First sentence: <<<").nth(1).unwrap();
        let first = first.split(">>>").next().unwrap();
        Ok(if seeds.contains(first) { "Score: 5" } else { "Score: 3" }.into())
    });
    let summary = out.unwrap();
    assert_eq!(asked.len(), 2 * items.len());
    assert!(asked.iter().all(|r| r.sampling.temperature == 0.0));
    assert!(asked[0].messages[1].content.contains("5 = Same meaning"), "{:?}", asked[0]);
    let repeats = items.iter().filter(|i| i.kind == ItemKind::Repeat).count();
    assert_eq!(asked.iter().filter(|r| r.draw == 1).count(), 2 * repeats, "repeats draw anew");
    assert_eq!(summary.by_class[&VerdictClass::Score], 2 * items.len());
    drop(ws);
    for ended in [false, true, true] {
        ingest(&run, &attempt, ended).unwrap();
    }
    let ws = Workspace::open(dir.path(), crate::store::Access::Read).unwrap();
    let after = results(ws.read(), &study_name(), 200, 1).unwrap();
    assert_eq!(before.agreement.unwrap().figures, after.agreement.clone().unwrap().figures);
    assert_eq!(after.raters.get(&RaterKind::Judge), None, "not counted with people");
    assert!(after.notes.iter().any(|n| n.contains("apart")));
    let j = &after.judges[0];
    let prompt = judge_prompt(StudyType::Similarity, "similarity").unwrap().tag();
    assert_eq!((j.judge.model.as_str(), j.judge.prompt.as_str()), ("lab/m", prompt.as_str()));
    assert_eq!(j.distribution, [0, 0, 0, 0, 12]);
    let same = items.iter().filter(|i| i.seed_text == i.sample_text).count();
    assert_eq!(j.orders.pairs, items.len());
    assert!(j.orders.same >= same && j.orders.same < items.len());
    assert!(j.orders.difference.as_ref().unwrap().value > 1.0, "{:?}", j.orders);
    let people = j.beside_people.as_ref().unwrap();
    assert_eq!((people.items, people.people), (12, 2));
    assert!((people.difference.as_ref().unwrap().value - 1.0).abs() < 1e-12);
    assert!(people.undefined.iter().any(|u| u.contains("spearman")), "constants: {people:?}");
    // asked for, they count like anybody
    let all = results_among(ws.read(), &study_name(), Among::Everyone, 200, 1).unwrap();
    assert_eq!(all.raters[&RaterKind::Judge], 1);
    assert_eq!(all.agreement.unwrap().raters, 3);
    // and the study's own sums are about people
    let status = status(ws.read(), &study_name()).unwrap();
    assert_eq!(status.assigned, 2 * items.len() as u64);
    assert_eq!(status.raters.len(), 3);
    assert!(open_items(ws.read(), &study_name(), &spec("j").rater).unwrap().is_empty());
}

#[test]
fn refusals_rambling_and_failed_calls_are_classes_of_their_own_and_no_ratings() {
    let dir = tempfile::tempdir().unwrap();
    let (ws, items) = rated(dir.path());
    let (run, attempt) = run(dir.path(), &spec("j"), &items[..6]);
    let texts: Vec<String> = items[..6].iter().map(|i| i.sample_text.clone()).collect();
    let answer = move |user: &str| {
        let n = texts.iter().position(|t| user.contains(&format!("<<<{t}>>>"))).unwrap();
        Ok(match n {
            0 => "I'm sorry, I cannot judge people.".into(),
            1 => "Well, the two are alike in some ways, and in others not.".into(),
            2 => "{\"score\": \"2\"}".into(),
            3 => "স্কোর: ৩".into(),
            4 => "<think>one says".into(),
            _ => {
                return Err(CallFailed { code: "timeout".into(), detail: "after 60 s".into() });
            }
        })
    };
    let (out, asked) = judged(&attempt, answer);
    let by_class = out.unwrap().by_class;
    assert_eq!(by_class.values().sum::<usize>(), 12, "they add up: {by_class:?}");
    for class in [
        VerdictClass::Refused,
        VerdictClass::Unparsable,
        VerdictClass::CutOff,
        VerdictClass::Failed,
    ] {
        assert_eq!(by_class[&class], 2, "{class:?}");
    }
    drop(ws);
    ingest(&run, &attempt, true).unwrap();
    let ws = Workspace::open(dir.path(), crate::store::Access::Read).unwrap();
    let j = spec("j").rater;
    let own: Vec<_> = ws
        .read()
        .current_ratings(&study_name())
        .unwrap()
        .into_iter()
        .filter(|r| r.rater == j)
        .collect();
    assert_eq!(own.len(), 2, "two scores, nothing made up");
    assert!(own.iter().all(|r| r.guideline_version.as_deref() == Some("similarity@1")));
    let progress = ws.read().progress(&study_name()).unwrap();
    let mine = progress.iter().find(|p| p.rater == j).unwrap();
    assert_eq!((mine.rated, mine.skipped), (2, 3));
    drop(ws);
    // a second attempt makes the failed calls again, and no other
    let again = Attempt::create(attempt.run_dir(), 2).unwrap();
    let (out, asked_again) = judged(&again, |_| Ok("Score: 1".into()));
    assert_eq!((asked.len(), asked_again.len()), (12, 2));
    assert_eq!(out.unwrap().by_class.get(&VerdictClass::Failed), None);
    ingest(&run, &again, true).unwrap();
    let ws = Workspace::open(dir.path(), crate::store::Access::Read).unwrap();
    let open = open_items(ws.read(), &study_name(), &j).unwrap();
    assert_eq!(open.len(), items.len() - 6, "only what was never asked is open");
}

/// Answers `after` requests, then the process is gone: nothing more is reported.
struct Dies {
    after: usize,
}

impl ChatModel for Dies {
    fn name(&self) -> String {
        "dies".into()
    }

    fn ask(
        &mut self,
        requests: &mut (dyn Iterator<Item = ChatRequest> + Send),
        on_reply: &mut crate::providers::OnReply<'_>,
    ) -> Result<crate::providers::Totals, crate::providers::ProviderError> {
        let mut inner = Scripted(|_: &ChatRequest| Ok("Score: 2".into()));
        let mut left = self.after;
        inner.ask(requests, &mut |i, r| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            on_reply(i, r)
        })?;
        Err(crate::providers::ProviderError::NotHere {
            provider: "dies".into(),
            detail: "killed".into(),
        })
    }
}

#[test]
fn a_killed_judge_goes_on_and_asks_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (ws, items) = rated(dir.path());
    drop(ws);
    let (run, attempt) = run(dir.path(), &spec("j"), &items);
    let mut dies = |_: &ModelSource| Ok(Box::new(Dies { after: 7 }) as Box<dyn ChatModel>);
    let e = work(&attempt, &mut NoProgress, &mut dies).unwrap_err();
    assert!(e.to_string().contains("killed"), "{e}");
    // a torn last line, as a kill leaves it
    let path = attempt.file("results.jsonl");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(b"{\"item\":\"i0");
    std::fs::write(&path, bytes).unwrap();
    ingest(&run, &attempt, true).unwrap();
    let again = Attempt::create(attempt.run_dir(), 2).unwrap();
    let (out, asked) = judged(&again, |_| Ok("Score: 2".into()));
    assert_eq!(asked.len(), 2 * items.len() - 7);
    assert_eq!(out.unwrap().by_class[&VerdictClass::Score], 2 * items.len());
    ingest(&run, &again, true).unwrap();
    let ws = Workspace::open(dir.path(), crate::store::Access::Read).unwrap();
    let verdicts = ws.read().verdicts(&study_name(), &spec("j").rater).unwrap();
    assert_eq!(verdicts.len(), 2 * items.len());
    let lines: usize = [&attempt, &again]
        .map(|a| read_jsonl::<VerdictLine>(&a.file("results.jsonl")).unwrap().len())
        .iter()
        .sum();
    assert_eq!(lines, 2 * items.len());
}

#[test]
fn two_judges_are_compared_among_themselves_and_take_no_persons_place() {
    let dir = tempfile::tempdir().unwrap();
    let (ws, items) = rated(dir.path());
    drop(ws);
    for (name, say) in [("j1", "Score: 4"), ("j2", "Score: 5")] {
        let (run, attempt) = run(dir.path(), &spec(name), &items);
        judged(&attempt, move |_| Ok(say.into())).0.unwrap();
        ingest(&run, &attempt, true).unwrap();
    }
    let ws = Workspace::open(dir.path(), crate::store::Access::Read).unwrap();
    let r = results(ws.read(), &study_name(), 200, 1).unwrap();
    assert_eq!(r.judges.len(), 2);
    let among = r.among_judges.unwrap();
    assert_eq!((among.raters, among.items), (2, 12));
    assert_eq!(r.agreement.unwrap().raters, 2, "people only");
    let slots: BTreeSet<u32> = ws
        .read()
        .assignments(&study_name())
        .unwrap()
        .iter()
        .filter(|a| a.content.rater.as_str().starts_with('j'))
        .map(|a| a.content.slot)
        .collect();
    assert_eq!(slots, BTreeSet::from([1_000_000, 1_000_001]));
}

/// Items as a study of answers has them.
fn answers(items: &[Item]) -> Vec<Item> {
    let asked = |n: usize| Some(format!("How is guest number {n} received?"));
    items.iter().enumerate().map(|(n, i)| Item { context: asked(n), ..i.clone() }).collect()
}

fn typed(rater: &str, study_type: StudyType, guideline: &str) -> JudgeSpec {
    let prompt = judge_prompt(study_type, study_type.as_str()).unwrap();
    let mut own = Guideline::similarity().unwrap();
    own.question = guideline.to_owned();
    own.name = "own".into();
    JudgeSpec {
        study_type,
        prompt_sha256: checksum(&prompt.source),
        prompt: prompt.source,
        guidelines: std::iter::once(("en".to_owned(), own)).collect(),
        ..spec(rater)
    }
}

#[test]
fn a_preference_is_asked_in_both_orders_and_kept_in_terms_of_the_item() {
    let dir = tempfile::tempdir().unwrap();
    let (_ws, items) = rated(dir.path());
    let items = answers(&items);
    let spec = typed("j", StudyType::Preference, "Which answer is better?");
    let (_, attempt) = run(dir.path(), &spec, &items);
    // always the one that stands first: what the order decides must not look like a preference
    let (out, asked) = judged(&attempt, |_| Ok("Score: 1".into()));
    let summary = out.unwrap();
    assert_eq!((summary.requests, summary.same_score), (2 * items.len(), 0));
    let lines: Vec<VerdictLine> = read_jsonl(&attempt.file("results.jsonl")).unwrap();
    assert!(lines.iter().all(|l| l.score
        == Some(match l.shown {
            Shown::SeedFirst => 1,
            Shown::SampleFirst => 3,
        })));
    let user = &asked[0].messages[1].content;
    assert!(user.contains("Which answer is better?") && user.contains("guest number 0"), "{user}");
    assert!(user.contains("First answer: <<<"), "{user}");
    // 4 is not on this scale, and nothing is guessed
    let other = typed("k", StudyType::Preference, "Which?");
    let elsewhere = tempfile::tempdir().unwrap();
    let (_, attempt) = run(elsewhere.path(), &other, &items[..1]);
    let (out, _) = judged(&attempt, |_| Ok("Score: 4".into()));
    assert_eq!(out.unwrap().by_class[&VerdictClass::Unparsable], 2);
}

#[test]
fn one_answer_is_asked_about_once_with_its_question_and_its_culture() {
    let dir = tempfile::tempdir().unwrap();
    let (_ws, items) = rated(dir.path());
    let items: Vec<Item> = answers(&items)
        .into_iter()
        .map(|i| Item {
            seed_text: String::new(),
            culture: Some(CultureId::new("korean").unwrap()),
            ..i
        })
        .collect();
    let spec = typed("j", StudyType::Appropriateness, "How fitting is the answer?");
    let (_, attempt) = run(dir.path(), &spec, &items);
    let (out, asked) = judged(&attempt, |_| Ok("Score: 4".into()));
    let summary = out.unwrap();
    assert_eq!((summary.requests, asked.len()), (items.len(), items.len()));
    let user = &asked[0].messages[1].content;
    assert!(user.contains("Culture: korean") && user.contains("How fitting"), "{user}");
    assert!(user.contains(&format!("Answer: <<<{}>>>", items[0].sample_text)), "{user}");
    // the prompt of another type does not have these placeholders
    let similarity = judge_prompt(StudyType::Similarity, "similarity").unwrap().source;
    let file = Path::new("mine.toml");
    let e = judge_prompt_from(StudyType::Appropriateness, &similarity, file).unwrap_err();
    assert!(e.to_string().contains("asked") && e.to_string().contains("mine.toml"), "{e}");
}

#[test]
fn a_judge_reads_the_guideline_of_the_items_language() {
    let dir = tempfile::tempdir().unwrap();
    let (_ws, items) = rated(dir.path());
    let mut german = items[0].clone();
    german.language = "de".into();
    let texts =
        guidelines(StudyType::Similarity, &[], &[items[1].clone(), german.clone()]).unwrap();
    assert_eq!(texts.keys().map(String::as_str).collect::<Vec<_>>(), ["de", "en"]);
    let spec = JudgeSpec { guidelines: texts, ..spec("j") };
    let prompt = spec.prompt_file().unwrap();
    let question = Guideline::similarity_in("de").unwrap().question;
    let asked = requests_of(&german, &spec, &prompt).unwrap();
    assert!(asked[0].1.messages[1].content.contains(&question));
    assert!(spec.record().unwrap().guideline.contains("similarity.de@1, similarity@1"));
}
