//! What happens to a study after its plan: amendments, leases, withdrawals, verification, moving.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::store::damage::damage;
use crate::store::{Access, Action, NewEvent, Workspace};
use crate::study::*;

fn name() -> StudyId {
    StudyId::new("pilot").unwrap()
}

fn material() -> Material {
    Material::Samples {
        samples: samples(8, 8),
        seeds: Seeds::of(&survey(8)),
        encoders: BTreeMap::new(),
    }
}

/// A fixed study of 24 items with k = 2 for four raters.
fn fixed(dir: &tempfile::TempDir, lease: Option<&str>) -> Workspace {
    let mut ws = Workspace::create(dir.path()).unwrap();
    let spec = StudySpec {
        k: 2,
        lease: lease.map(|l| l.parse().unwrap()),
        ..StudySpec::named(name(), 24, 5)
    };
    create_from(&mut ws, &spec, &material()).unwrap();
    fix_plan(&mut ws, &name(), &raters(4)).unwrap();
    ws
}

fn id(n: usize) -> RaterId {
    RaterId::new(format!("r{n:02}")).unwrap()
}

/// Rates the first `n` open items of a rater, each with a comment.
fn rate(ws: &mut Workspace, rater: &RaterId, n: usize, comment: Option<&str>) -> usize {
    let open = ws.read().queue(&name(), rater, n as u32).unwrap();
    for a in &open {
        let action = Action::Submit(Score::new(4).unwrap());
        let mut event = NewEvent::new(a.id, rater.clone(), action);
        event.comment = comment.map(str::to_owned);
        ws.submit_rating(&event).unwrap();
    }
    open.len()
}

fn sound(ws: &Workspace) {
    let found = verify(ws.read(), &name()).unwrap();
    let broken: Vec<_> = found.iter().filter(|f| f.severity == Severity::Broken).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

fn amendment() -> Amend {
    Amend { who: "me".into(), reason: "two fell ill".into(), ..Amend::default() }
}

fn new_rater(n: usize, language: &str) -> RaterSpec {
    RaterSpec { id: id(n), languages: vec![language.into()], cultures: Vec::new() }
}

/// Every place of every item that stands: exactly k, or everybody.
fn places(ws: &Workspace) -> BTreeMap<ItemId, BTreeSet<RaterId>> {
    let mut out: BTreeMap<ItemId, BTreeSet<RaterId>> = BTreeMap::new();
    for a in ws.read().assignments(&name()).unwrap() {
        if a.released_at.is_none() {
            assert!(out.entry(a.content.item).or_default().insert(a.content.rater), "once");
        }
    }
    out
}

#[test]
fn amendments_that_cannot_be_leave_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = Workspace::create(dir.path()).unwrap();
    let spec = StudySpec { k: 2, ..StudySpec::named(name(), 24, 5) };
    create_from(&mut ws, &spec, &material()).unwrap();
    let early = amend(&mut ws, &name(), &Amend { k: Some(3), ..amendment() }, None).unwrap_err();
    assert!(early.to_string().contains("not fixed yet"), "{early}");
    fix_plan(&mut ws, &name(), &raters(4)).unwrap();
    for (change, said) in [
        (Amend { reason: " ".into(), k: Some(3), ..amendment() }, "reason"),
        (amendment(), "nothing changes"),
        (Amend { k: Some(0), ..amendment() }, "1 or more"),
        (Amend { add_items: 3, ..amendment() }, "make a new study"),
        (Amend { release: vec![RaterId::new("stranger").unwrap()], ..amendment() }, "stranger"),
    ] {
        let error = amend(&mut ws, &name(), &change, None).unwrap_err().to_string();
        assert!(error.contains(said), "{change:?}: {error}");
    }
    let change = Amend { add_items: 3, ..amendment() };
    let used: Vec<Sample> = ws
        .read()
        .items(&name())
        .unwrap()
        .iter()
        .filter_map(|i| samples(8, 8).into_iter().find(|s| Some(&s.id) == i.sample.as_ref()))
        .collect();
    let seeds = Seeds::of(&survey(8));
    let nothing = Material::Samples { samples: used, seeds, encoders: BTreeMap::new() };
    let error = amend(&mut ws, &name(), &change, Some(&nothing)).unwrap_err().to_string();
    assert!(error.contains("nothing is left"), "{error}");
    assert_eq!(ws.read().amendments(&name()).unwrap(), []);
    sound(&ws);
}

#[test]
fn a_new_rater_gets_what_all_rate_and_a_fair_part_of_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = fixed(&dir, None);
    rate(&mut ws, &id(0), 5, None);
    let change = Amend { add_raters: vec![new_rater(9, "en"), new_rater(8, "de")], ..amendment() };
    let report = amend(&mut ws, &name(), &change, None).unwrap();
    assert_eq!((report.n, report.raters.len(), report.open), (1, 2, 0));
    let left = ws.read().left_to_do(&name()).unwrap();
    assert_eq!(left.get(&id(8)), None, "nothing in German");
    let others: Vec<u64> = (1..4).map(|n| left[&id(n)]).collect();
    assert!(left[&id(9)] + 2 >= *others.iter().min().unwrap(), "{left:?}");
    for (item, who) in places(&ws) {
        let item = ws.read().item(&name(), &item).unwrap().unwrap();
        assert_eq!(who.len(), if item.k.is_some() { 2 } else { 5 }, "{item:?}");
    }
    let stored = ws.read().amendments(&name()).unwrap();
    assert_eq!((stored[0].who.as_str(), stored[0].reason.as_str()), ("me", "two fell ill"));
    sound(&ws);
}

#[test]
fn items_and_raters_an_item_are_added_and_taken_back_by_amendments() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = fixed(&dir, None);
    let before = ws.read().items(&name()).unwrap();
    let change = Amend { add_items: 6, ..amendment() };
    let report = amend(&mut ws, &name(), &change, Some(&material())).unwrap();
    assert_eq!((report.items, report.given, report.open), (6, 12, 0));
    let after = ws.read().items(&name()).unwrap();
    assert_eq!(after[..before.len()], before[..]);
    let samples: BTreeSet<_> =
        after.iter().filter(|i| i.repeat_of.is_none()).filter_map(|i| i.sample.clone()).collect();
    assert_eq!(samples.len(), 30, "no sample twice");
    sound(&ws);

    amend(&mut ws, &name(), &Amend { k: Some(3), ..amendment() }, None).unwrap();
    for (item, who) in places(&ws) {
        let item = ws.read().item(&name(), &item).unwrap().unwrap();
        // a repeat belongs to the raters of its original, of whom there are three now
        assert_eq!(who.len(), if item.k.is_some() { 3 } else { 4 }, "{item:?}");
    }
    sound(&ws);
    let rated = rate(&mut ws, &id(0), 12, None);
    amend(&mut ws, &name(), &Amend { k: Some(1), ..amendment() }, None).unwrap();
    let kept = ws.read().current_ratings(&name()).unwrap().len();
    assert_eq!((rated, kept), (12, 12), "what was rated stays");
    assert_eq!(ws.read().k_of(&name()).unwrap(), 1);
    sound(&ws);
}

#[test]
fn items_of_who_does_not_come_go_to_those_who_do() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = fixed(&dir, Some("1h"));
    let absent = id(0);
    let done = rate(&mut ws, &absent, 3, None);
    let last = ws.read().current_ratings(&name()).unwrap().pop().unwrap();
    let undo =
        NewEvent::new(last.assignment, absent.clone(), Action::Undo { previous: last.event });
    ws.submit_rating(&undo).unwrap();
    assert_eq!(begin_rating(&mut ws, &name(), &id(1)).unwrap(), [], "all leases run");
    let later = Timestamp::now() + SignedDuration::from_hours(3);
    // the others were here meanwhile
    ws.write(|tx| {
        for n in 1..4 {
            tx.extend_leases(&name(), &id(n), later, SignedDuration::ZERO)?;
        }
        Ok(())
    })
    .unwrap();
    let had = places(&ws).values().filter(|w| w.contains(&absent)).count();
    let moment = Timestamp::now() + SignedDuration::from_hours(2);
    let out = ws.reclaim_leases(&name(), moment, Some(later)).unwrap();
    let items = ws.read().items(&name()).unwrap();
    for r in &out {
        let item = items.iter().find(|i| i.id == r.item).unwrap();
        assert!(r.to.is_some() && item.k.is_some(), "{item:?}");
        assert_eq!(r.from, absent);
    }
    // anchors and controls, which everybody else has, stay; what was taken back is not done
    let stays = places(&ws).values().filter(|w| w.contains(&absent)).count();
    assert!(stays >= done - 1 && !out.is_empty());
    assert_eq!(stays + out.len(), had);
    assert_eq!(ws.reclaim_leases(&name(), moment, None).unwrap(), [], "once");
    for (item, who) in places(&ws) {
        let k = items.iter().find(|i| i.id == item).unwrap().k;
        assert!(k.is_none_or(|k| who.len() == k as usize));
    }
    sound(&ws);
}

#[test]
fn whoever_rates_keeps_what_is_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = fixed(&dir, Some("2h"));
    let near = Timestamp::now() + SignedDuration::from_mins(30);
    let mine = |ws: &Workspace| ws.read().assignments_of(&name(), &id(0)).unwrap();
    ws.write(|tx| {
        for a in tx.assignments_of(&name(), &id(0))? {
            tx.lease(a.id, Some(near))?;
        }
        Ok(())
    })
    .unwrap();
    rate(&mut ws, &id(0), 1, None);
    assert!(mine(&ws).iter().all(|a| a.content.lease_until.unwrap() > near));
    // they come late, and before anybody asked
    let past = Timestamp::now() - SignedDuration::from_hours(1);
    ws.write(|tx| {
        for a in tx.assignments_of(&name(), &id(0))? {
            tx.lease(a.id, Some(past))?;
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(begin_rating(&mut ws, &name(), &id(0)).unwrap(), []);
    assert!(mine(&ws).iter().all(|a| a.released_at.is_none()));
}

/// Every file under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .flat_map(|e| {
            let path = e.unwrap().path();
            if path.is_dir() { files(&path) } else { vec![path] }
        })
        .collect()
}

fn anywhere(folder: &Path, words: &str) -> Vec<PathBuf> {
    let holds =
        |p: &PathBuf| std::fs::read(p).unwrap().windows(words.len()).any(|w| w == words.as_bytes());
    files(folder).into_iter().filter(holds).collect()
}

#[test]
fn who_leaves_takes_every_byte_along_and_their_places_are_open_again() {
    const WORDS: &str = "Ünmistakable words of mine 8c1f";
    let dir = tempfile::tempdir().unwrap();
    let mut ws = fixed(&dir, None);
    let stranger = RaterId::new("stranger").unwrap();
    assert!(matches!(withdraw(&mut ws, &name(), &stranger), Err(StudyError::UnknownRater { .. })));
    let rated = rate(&mut ws, &id(0), 9, Some(WORDS));
    rate(&mut ws, &id(1), 9, Some("others keep theirs"));
    // long words lie on pages of their own
    let long = format!("{WORDS} {}", "and so on ".repeat(2_000));
    rate(&mut ws, &id(0), 2, Some(&long));
    assert!(!anywhere(dir.path(), WORDS).is_empty(), "they are there to be erased");
    let report = withdraw(&mut ws, &name(), &id(0)).unwrap();
    assert_eq!(report.withdrawal.events as usize, rated + 2);
    assert_eq!(report.withdrawal.comments as usize, rated + 2);
    assert!(report.cleaned && report.given > 0);
    assert_eq!(anywhere(dir.path(), WORDS), Vec::<PathBuf>::new());
    assert!(!anywhere(dir.path(), "others keep theirs").is_empty());
    let items = ws.read().items(&name()).unwrap();
    for (item, who) in places(&ws) {
        let k = items.iter().find(|i| i.id == item).unwrap().k;
        assert!(!who.contains(&id(0)) && k.is_none_or(|k| who.len() == k as usize));
    }
    sound(&ws);
    // again: the tombstone stays as it is
    let again = withdraw(&mut ws, &name(), &id(0)).unwrap();
    assert_eq!(again.withdrawal, report.withdrawal);
    let back = Amend { add_raters: vec![new_rater(0, "en")], ..amendment() };
    let error = amend(&mut ws, &name(), &back, None).unwrap_err().to_string();
    assert!(error.contains("left the study"), "{error}");
}

#[test]
fn a_log_that_was_touched_is_found_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = fixed(&dir, None);
    rate(&mut ws, &id(0), 6, None);
    sound(&ws);
    let after = |kind: &str| {
        let copy = tempfile::tempdir().unwrap();
        let file = copy.path().join(Workspace::FILE);
        ws.database().backup(&file).unwrap();
        damage(&file, kind);
        let ws = Workspace::open(copy.path(), Access::Read).unwrap();
        let found = verify(ws.read(), &name()).unwrap();
        let broken = found.into_iter().filter(|f| f.severity == Severity::Broken);
        broken.map(|f| f.what).collect::<Vec<_>>().join("\n")
    };
    for (kind, said) in [
        ("text", "checksum differ"),
        ("rater of an event", "assignment's rater"),
        ("second submit", "does not follow"),
        ("slot", "more raters"),
        ("languages", "another language"),
        ("k", "settings and study differ"),
        ("amendment", "amendment 1 is missing"),
        ("withdrawal", "left the study and has"),
    ] {
        let found = after(kind);
        assert!(found.contains(said), "{kind}: {found}");
    }
}

#[test]
fn a_study_is_carried_over_as_it_is_and_found_there_when_asked_again() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut ws = fixed(&here, Some("1d"));
    rate(&mut ws, &id(0), 8, Some("mine"));
    let row = ws.read().current_ratings(&name()).unwrap().remove(0);
    for score in [1, 5] {
        let stands = ws.read().current_rating(row.assignment).unwrap().unwrap();
        let action = Action::Edit { score: Score::new(score).unwrap(), previous: stands.event };
        ws.submit_rating(&NewEvent::new(row.assignment, row.rater.clone(), action)).unwrap();
    }
    let stands = ws.read().current_rating(row.assignment).unwrap().unwrap();
    let undo = Action::Undo { previous: stands.event };
    ws.submit_rating(&NewEvent::new(row.assignment, row.rater.clone(), undo)).unwrap();
    let change =
        Amend { add_raters: vec![new_rater(9, "en")], release: vec![id(1)], ..amendment() };
    amend(&mut ws, &name(), &change, None).unwrap();
    amend(&mut ws, &name(), &Amend { k: Some(3), ..amendment() }, None).unwrap();
    rate(&mut ws, &id(9), 4, None);
    withdraw(&mut ws, &name(), &id(2)).unwrap();
    rate(&mut ws, &id(3), 30, None);

    let mut other = Workspace::create(there.path()).unwrap();
    // numbers of rows are not those of the other place
    create_from(&mut other, &StudySpec::named(StudyId::new("own").unwrap(), 8, 1), &material())
        .unwrap();
    fix_plan(&mut other, &StudyId::new("own").unwrap(), &raters(3)).unwrap();
    let report = move_study(ws.read(), &mut other, &name()).unwrap();
    assert!(!report.already && report.events > 0);
    let brief = |ws: &Workspace| {
        let rows = ws.read().rating_events(&name()).unwrap();
        rows.into_iter()
            .map(|r| (r.uuid, r.at, r.item, r.rater, r.score, r.comment))
            .collect::<Vec<_>>()
    };
    assert_eq!(brief(&ws), brief(&other));
    let rows = other.read().rating_events(&name()).unwrap();
    assert!(rows.iter().all(|r| r.source.as_deref() == Some("moved")));
    assert_eq!(ws.read().amendments(&name()).unwrap(), other.read().amendments(&name()).unwrap());
    assert_eq!(ws.read().withdrawals(&name()).unwrap(), other.read().withdrawals(&name()).unwrap());
    assert_eq!(
        ws.read().need_study(&name()).unwrap().fixed,
        other.read().need_study(&name()).unwrap().fixed
    );
    sound(&other);
    assert!(move_study(ws.read(), &mut other, &name()).unwrap().already);
    rate(&mut other, &id(9), 1, None);
    let error = move_study(ws.read(), &mut other, &name()).unwrap_err().to_string();
    assert!(error.contains("another content"), "{error}");
}

#[test]
fn a_backup_is_restored_beside_and_never_over_a_database() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = fixed(&dir, None);
    rate(&mut ws, &id(0), 5, None);
    let backup = dir.path().join("backup.db");
    ws.database().backup(&backup).unwrap();
    rate(&mut ws, &id(0), 2, None);
    assert!(Workspace::restore(&backup, dir.path()).is_err(), "there is a database");
    let empty = tempfile::tempdir().unwrap();
    assert!(Workspace::restore(&dir.path().join("none.db"), empty.path()).is_err());
    let in_use = dir.path().join(Workspace::FILE);
    let error = Workspace::restore(&in_use, empty.path()).unwrap_err().to_string();
    assert!(error.contains("in use"), "{error}");
    std::fs::write(empty.path().join("cut.db"), &std::fs::read(&backup).unwrap()[..9_000]).unwrap();
    assert!(Workspace::restore(&empty.path().join("cut.db"), empty.path()).is_err());
    assert!(!empty.path().join(Workspace::FILE).exists());
    let restored = Workspace::restore(&backup, empty.path()).unwrap();
    assert_eq!(restored.read().current_ratings(&name()).unwrap().len(), 5);
    sound(&restored);
}
