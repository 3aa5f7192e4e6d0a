//! The report of a study in two cultures, rated by scripts, a judge beside them, and by hand.

use resvg::usvg::roxmltree;

use super::*;
use crate::domain::*;
use crate::report::html_of_study;
use crate::store::{
    Action, Change, Item, ItemKind, ItemOrigin, NewAssignment, NewEvent, Rater, RaterKind, Reason,
    StudyRecord, Workspace,
};

const HOSTILE: &str = "</style><img src=x onerror=alert(1)>\u{202e}\u{1b}[31m&_%|$";

fn study() -> StudyId {
    StudyId::new("pilot").unwrap()
}

fn item(n: usize) -> Item {
    let culture = if n.is_multiple_of(2) { "greek" } else { "arabic" };
    Item {
        id: ItemId::new(format!("i{n:02}")).unwrap(),
        kind: if n == 0 { ItemKind::ControlIdentical } else { ItemKind::Sample },
        k: Some(3),
        seed: QuestionId::new(format!("Q{}", 1 + n / 2)).unwrap(),
        sample: None,
        language: "en".into(),
        culture: Some(CultureId::new(culture).unwrap()),
        seed_text: format!("a secret seed {n}"),
        sample_text: format!("a secret sample {n}"),
        context: None,
        sensitive: false,
        sha256: "00".into(),
        repeat_of: None,
        expected: (n == 0).then_some((4, 5)),
        origin: ItemOrigin {
            similarity: Some(0.5 + n as f64 / 80.0),
            provider: Some("offline".into()),
            ..ItemOrigin::default()
        },
    }
}

/// 30 items, three people; one leaves a pair, one cannot judge, one control is missed.
fn workspace(dir: &std::path::Path, of: StudyType) -> Workspace {
    std::fs::create_dir_all(dir).unwrap();
    let mut ws = Workspace::create(dir).unwrap();
    let record = StudyRecord {
        id: study(),
        study_type: of,
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
        k: 3,
        seed: 1,
        spec: serde_json::Value::Null,
        fixed: None,
    };
    let items: Vec<Item> = (0..30).map(item).collect();
    let raters = ["r1", "r2", "r3"].map(|r| RaterId::new(r).unwrap());
    ws.write(|tx| {
        tx.put_study(&record, &items)?;
        for (slot, id) in (0u32..).zip(&raters) {
            let rater = Rater {
                id: id.clone(),
                kind: RaterKind::Human,
                languages: vec!["en".into()],
                cultures: Vec::new(),
                consent: None,
            };
            tx.put_rater(&study(), &rater)?;
            for (n, item) in items.iter().enumerate() {
                let place = NewAssignment {
                    item: item.id.clone(),
                    slot,
                    rater: id.clone(),
                    position: n as u32,
                    swap: false,
                    lease_until: None,
                };
                let a = tx.assign(&study(), &place)?;
                let event = |action| NewEvent::new(a, id.clone(), action);
                if (slot, n) == (0, 3) {
                    continue;
                }
                if (slot, n) == (1, 5) {
                    let why = Some(Reason::CannotJudge);
                    tx.put_event(&NewEvent { reason: why, ..event(Action::Skip) })?;
                    continue;
                }
                let score = match (n, slot) {
                    (0, 0) => 1,
                    (0, _) => 3.min(of.top()),
                    _ => {
                        1 + ((n + usize::from(slot == 2 && n % 4 == 1)) % usize::from(of.top()))
                            as u8
                    }
                };
                let source = (n == 7).then(|| "label-studio:f.json@00".to_owned());
                tx.put_event(&NewEvent {
                    source,
                    active_ms: Some(3000),
                    comment: Some("a secret comment".into()),
                    guideline_version: Some("similarity@1".into()),
                    ..event(Action::Submit(Score::new(score).unwrap()))
                })?;
                if (slot, n) == (2, 9) {
                    let why = Some(Reason::BrokenText);
                    tx.put_event(&NewEvent { reason: why, ..event(Action::Flag) })?;
                }
            }
        }
        tx.fix_study(&study())?;
        let more = Change { raters: vec![RaterId::new("r9").unwrap()], ..Change::default() };
        tx.amend(&study(), HOSTILE, HOSTILE, &more).map(|_| ())
    })
    .unwrap();
    ws
}

fn gathered(dir: &std::path::Path, of: StudyType) -> StudyReport {
    let options = StudyReportOptions { draws: 100, ..StudyReportOptions::default() };
    gather_study(workspace(dir, of).read(), &study(), &options).unwrap()
}

/// Parses what follows the first line as XML.
fn parsed(page: &str) -> roxmltree::Document<'_> {
    let body = page.strip_prefix("<!DOCTYPE html>\n").unwrap();
    roxmltree::Document::parse(body).unwrap_or_else(|e| panic!("{e}\n{page}"))
}

#[test]
fn a_study_that_is_not_there_and_one_that_nobody_rated_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = workspace(dir.path(), StudyType::Similarity);
    let none = StudyId::new("none").unwrap();
    let options = StudyReportOptions::default();
    assert!(gather_study(ws.read(), &none, &options).is_err());
    let record =
        StudyRecord { id: none.clone(), fixed: None, ..ws.read().need_study(&study()).unwrap() };
    ws.write(|tx| tx.put_study(&record, &[item(1)])).unwrap();
    let r = gather_study(ws.read(), &none, &options).unwrap();
    assert!(r.results.agreement.is_none() && r.calibration.is_none() && r.dates.is_none());
    let page = html_of_study(&r);
    parsed(&page);
    assert!(page.contains("No figures:") && page.contains("No curve:"), "{page}");
    assert!(paper(&r, PaperForm::Markdown).contains("| all | 0 | 0 | 0 | -- |"));
}

#[test]
fn the_flow_adds_up_from_the_plan_to_the_figures() {
    let dir = tempfile::tempdir().unwrap();
    let r = gathered(dir.path(), StudyType::Similarity);
    let f = &r.flow;
    assert_eq!((f.items, f.estimated, f.rated_items, f.assigned), (30, 29, 29, 90));
    assert_eq!((f.rated, f.cannot_judge, f.skipped, f.open, f.released), (88, 1, 0, 1, 0));
    assert_eq!(f.assigned, f.released + f.rated + f.cannot_judge + f.skipped + f.open);
    assert_eq!((f.checks, f.entered, f.broken), (3, 85, 1));
    assert_eq!(r.results.agreement.as_ref().unwrap().ratings, f.entered);
    assert_eq!(r.sources.values().sum::<usize>(), 3);
}

#[test]
fn the_page_holds_every_part_and_no_text_of_an_item() {
    let dir = tempfile::tempdir().unwrap();
    let r = gathered(dir.path(), StudyType::Similarity);
    let page = html_of_study(&r);
    let doc = parsed(&page);
    for node in doc.descendants().filter(roxmltree::Node::is_element) {
        let tag = node.tag_name().name();
        assert!(!["script", "img", "iframe", "link", "object"].contains(&tag), "{tag}");
        for a in node.attributes() {
            assert!(!a.name().starts_with("on"), "{}", a.name());
            assert!(a.name() != "href" || a.value().starts_with('#'), "{}", a.value());
        }
    }
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"), "who amended it is text");
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'));
    assert!(!page.contains("a secret"), "no text of an item and no comment is on the page");
    for said in [
        "id=\"design\"",
        "alpha-ordinal",
        "ac2-quadratic",
        "By culture of the item",
        "greek",
        "Share of 4 and 5 by similarity",
        "Controls: 3 rated, 3 missed",
        "r1",
        "label-studio:f.json@00",
        "similarity@1 (88 ratings)",
        "No model judged this study",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn every_plot_has_a_table_in_its_section() {
    let dir = tempfile::tempdir().unwrap();
    for of in StudyType::ALL {
        let page = html_of_study(&gathered(&dir.path().join(of.as_str()), of));
        let doc = parsed(&page);
        let mut plots = 0;
        for section in doc.descendants().filter(|n| n.has_tag_name("section")) {
            let count =
                |tag: &str| section.descendants().filter(|n| n.tag_name().name() == tag).count();
            plots += count("svg");
            assert!(count("svg") == 0 || count("table") > 0, "{:?}", section.attribute("id"));
        }
        assert!(plots > 4, "{of}: {plots}");
    }
}

#[test]
fn the_table_of_a_paper_has_a_row_a_culture_and_its_conditions_below() {
    let dir = tempfile::tempdir().unwrap();
    let r = gathered(dir.path(), StudyType::Similarity);
    let table = paper(&r, PaperForm::Markdown);
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].starts_with("| culture | items | ratings | raters | mean | share of 4 and 5 |")
    );
    assert!(lines[2].starts_with("| arabic | 15 | 43 | 3 | "), "{table}");
    assert!(lines[4].starts_with("| all | 29 | 85 | 3 | "), "{table}");
    assert!(lines[4].contains(" [") && table.contains("100 draws over seeds"), "{table}");
    let mut odd = r.clone();
    for g in odd.groups.iter_mut().flat_map(|g| &mut g.groups) {
        g.name = HOSTILE.into();
    }
    let latex = paper(&odd, PaperForm::Latex);
    assert!(
        latex.contains("\\begin{tabular}{lrrrrrrrr}") && latex.contains("\\&\\_\\%|\\$"),
        "{latex}"
    );
    let rows: Vec<&str> = latex.lines().filter(|l| l.ends_with("\\\\")).collect();
    assert_eq!(rows.len(), 4, "a head, two cultures, all");
    assert!(rows.iter().all(|r| r.replace("\\&", "").matches('&').count() == 8), "{rows:?}");
    let second = gathered(&dir.path().join("p"), StudyType::Preference);
    assert!(paper(&second, PaperForm::Markdown).contains("win rate of the first"));
}
