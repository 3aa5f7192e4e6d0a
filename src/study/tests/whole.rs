use super::*;
use crate::store::{Access, Action, NewEvent, StoreError, Workspace};
use crate::study::*;

fn name() -> StudyId {
    StudyId::new("pilot").unwrap()
}

fn spec() -> NewStudy {
    NewStudy::named(name(), 40, 11)
}

fn workspace(dir: &tempfile::TempDir) -> (Workspace, Vec<Item>) {
    let mut ws = Workspace::create(dir.path()).unwrap();
    let items = create_study(&mut ws, &samples(8, 6), &survey(8), &spec()).unwrap();
    (ws, items)
}

fn scripted(dir: &tempfile::TempDir) -> (Workspace, Vec<Item>) {
    let (mut ws, items) = workspace(dir);
    fix_plan(&mut ws, &name(), &scripted_raters(&["en".into()]).unwrap()).unwrap();
    rate_scripted(&mut ws, &name(), 5).unwrap();
    (ws, items)
}

fn text(ws: &Workspace, options: ExportOptions) -> String {
    let mut out = Vec::new();
    export(ws.read(), &name(), &options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

const PLAIN: ExportOptions = ExportOptions {
    what: ExportWhat::Current,
    format: ExportFormat::Csv,
    comments: false,
    timings: false,
    sensitive: false,
};

#[test]
fn a_study_is_rated_after_its_plan_planned_once_and_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ws, _) = workspace(&dir);
    let early = rate_scripted(&mut ws, &name(), 1).unwrap_err();
    assert!(early.to_string().contains("study plan --study pilot"), "{early}");
    assert!(matches!(
        create_study(&mut ws, &samples(8, 6), &survey(8), &spec()),
        Err(StudyError::Store(StoreError::Refused { .. }))
    ));
    let few = fix_plan(&mut ws, &name(), &raters(1)).unwrap_err();
    assert!(matches!(few, StudyError::TooFewRaters { .. }));
    assert!(ws.read().need_study(&name()).unwrap().fixed.is_none(), "nothing was written");
    fix_plan(&mut ws, &name(), &raters(5)).unwrap();
    assert!(fix_plan(&mut ws, &name(), &raters(6)).is_err());
    assert_eq!(ws.read().raters(&name()).unwrap().len(), 5);
    let none = StudyId::new("none").unwrap();
    assert!(status(ws.read(), &none).unwrap_err().to_string().contains("pilot"));
    assert!(results(ws.read(), &none, 10, 1).is_err());
    let empty = results(ws.read(), &name(), 10, 1).unwrap();
    assert!(empty.agreement.is_none() && empty.undefined.is_some());
}

#[test]
fn scripted_raters_finish_the_study_and_are_marked_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let (ws, items) = scripted(&dir);
    let status = status(ws.read(), &name()).unwrap();
    assert_eq!((status.assigned, status.rated), (3 * items.len() as u64, status.assigned));
    assert_eq!(status.scripted, 3);
    assert!(status.note.unwrap().contains("scripted"));
    let results = results(ws.read(), &name(), 200, 1).unwrap();
    let report = results.agreement.unwrap();
    assert!(report.notes[0].contains("scripted"), "{:?}", report.notes);
    assert_eq!(results.raters.get(&RaterKind::Scripted), Some(&3));
    assert_eq!((report.items, report.ratings), (40, 120), "controls and repeats are left out");
    assert_eq!((report.unit.as_str(), report.units), ("seed", 8));
    let controls = items.iter().filter(|i| i.kind.is_control()).count();
    assert_eq!(results.controls, 3 * controls);
    assert_eq!(results.repeats.pairs, 3 * of_kind(&items, ItemKind::Repeat));
    let csv = text(&ws, PLAIN);
    assert_eq!(csv.matches(",scripted,").count(), 3 * items.len());
}

#[test]
fn scripted_scores_repeat_with_the_seed() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let scores = |ws: &Workspace| -> Vec<_> {
        let rows = ws.read().current_ratings(&name()).unwrap();
        rows.into_iter().map(|r| (r.item, r.rater, r.score)).collect()
    };
    assert_eq!(scores(&scripted(&a).0), scores(&scripted(&b).0));
    let (_, items) = workspace(&tempfile::tempdir().unwrap());
    for rater in SCRIPTED {
        for i in &items {
            let score = scripted_score(rater, i, 1).unwrap();
            assert!((1..=5).contains(&score));
            if i.kind == ItemKind::ControlIdentical {
                assert_eq!(score, 5);
            }
        }
    }
    assert_eq!(scripted_score("somebody", &items[0], 1), None);
}

#[test]
fn missed_controls_and_repeats_are_shown_and_enter_no_estimate() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ws, items) = workspace(&dir);
    fix_plan(&mut ws, &name(), &raters(3)).unwrap();
    // r00 says 3 to everything, the others 4 to samples and what is expected to controls
    for a in ws.read().assignments(&name()).unwrap() {
        let item = items.iter().find(|i| i.id == a.content.item).unwrap();
        let score = match (a.content.rater.as_str(), item.expected, item.kind) {
            ("r00", _, ItemKind::Repeat) => 5,
            ("r00", ..) => 3,
            (_, Some((lo, _)), _) => lo,
            _ => 4,
        };
        let action = Action::Submit(Score::new(score).unwrap());
        ws.submit_rating(&NewEvent::new(a.id, a.content.rater, action)).unwrap();
    }
    let results = results(ws.read(), &name(), 100, 1).unwrap();
    let controls = items.iter().filter(|i| i.kind.is_control()).count();
    assert_eq!(results.control_failures.len(), controls);
    assert!(results.control_failures.iter().all(|f| f.rater.as_str() == "r00"));
    let repeats = of_kind(&items, ItemKind::Repeat);
    assert_eq!((results.repeats.pairs, results.repeats.same), (3 * repeats, 2 * repeats));
    assert_eq!(results.agreement.unwrap().distribution, [0, 0, 40, 80, 0]);
}

#[test]
fn an_import_takes_the_places_there_are_and_says_what_it_did_not_take() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ws, items) = workspace(&dir);
    let one = items.iter().find(|i| i.kind == ItemKind::Sample).unwrap();
    let (item, sample) = (one.id.as_str(), one.sample.as_ref().unwrap().as_str());
    let csv = format!(
        "rater,item,score\na,{item},4\nb,{sample},5\nc,{item},0\nc,nothing,3\na/b,{item},3\n\
         c,{item},2\nd,{item},1\n"
    );
    let path = file(dir.path(), &csv);
    assert!(import_ratings(&mut ws, &name(), &path, true).is_err());
    assert!(ws.read().rating_events(&name()).unwrap().is_empty(), "strict stored nothing");
    let report = import_ratings(&mut ws, &name(), &path, false).unwrap();
    assert_eq!((report.stored, report.known, report.new_raters), (3, 0, 3));
    let lines: Vec<u64> = report.bad.iter().map(|b| b.line).collect();
    assert_eq!(lines, [4, 5, 6, 8]);
    assert!(report.bad[3].reason.contains("all its raters"), "{:?}", report.bad);
    // once more: nothing is doubled, and a changed score is refused
    let again = import_ratings(&mut ws, &name(), &path, false).unwrap();
    assert_eq!((again.stored, again.known), (0, 3));
    let other = file(dir.path(), &format!("rater,item,score\na,{item},1\n"));
    let changed = import_ratings(&mut ws, &name(), &other, false).unwrap();
    assert!(changed.bad[0].reason.contains("never changes"), "{changed:?}");
    assert!(import_ratings(&mut ws, &name(), &other, true).is_err());
    assert_eq!(ws.read().imports(Some("ratings")).unwrap().len(), 3);
    assert_eq!(ws.read().rating_events(&name()).unwrap().len(), 3);
}

#[test]
fn an_export_reads_back_and_keeps_comments_and_times_unless_asked() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ws, items) = scripted(&dir);
    let row = ws.read().current_ratings(&name()).unwrap().remove(0);
    let action = Action::Edit { score: Score::new(1).unwrap(), previous: row.event };
    let mut edit = NewEvent::new(row.assignment, row.rater.clone(), action);
    edit.comment = Some("hard, \"very\"\nhard".into());
    edit.active_ms = Some(1234);
    ws.submit_rating(&edit).unwrap();

    let plain = text(&ws, PLAIN);
    // by field: the drawn names of items and events hold any digits now and then
    for secret in ["very", "active_ms", "comment", "shown_at"] {
        assert!(!plain.contains(secret), "{secret}");
    }
    assert!(plain.lines().all(|row| row.split(',').all(|field| field != "1234")), "{plain}");
    let path = file(dir.path(), &plain);
    let back = read_ratings(&path, None, true).unwrap();
    let counted = items.iter().filter(|i| i.kind.enters_estimates()).count();
    assert_eq!(back.ratings.len(), 3 * counted, "controls and repeats stay out");
    assert!(back.ratings.iter().all(|r| r.cluster.is_some()));

    let all = ExportOptions {
        what: ExportWhat::Events,
        format: ExportFormat::Jsonl,
        comments: true,
        timings: true,
        sensitive: false,
    };
    let lines: Vec<serde_json::Value> =
        text(&ws, all).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 3 * items.len() + 1);
    let last = lines.last().unwrap();
    assert_eq!(last["kind"], "edit");
    assert_eq!((&last["active_ms"], &last["score"]), (&1234.into(), &1.into()));
    let header = plain.lines().next().unwrap().to_owned();
    for column in header.split(',') {
        assert!(codebook(&PLAIN).contains(&format!("\n{column}: ")), "{column}");
    }
    assert!(codebook(&all).contains("\nactive_ms: ") && !codebook(&PLAIN).contains("active_ms:"));
}

#[test]
fn a_reader_of_a_read_only_workspace_gets_results_and_a_rater_gets_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let (ws, _) = scripted(&dir);
    let event = ws.read().rating_events(&name()).unwrap().remove(0);
    drop(ws);
    let mut ws = Workspace::open(dir.path(), Access::Read).unwrap();
    assert!(results(ws.read(), &name(), 10, 1).unwrap().agreement.is_some());
    let again = NewEvent::new(event.assignment, event.rater, Action::Flag);
    assert!(matches!(ws.submit_rating(&again), Err(StoreError::ReadOnly { .. })));
}
