//! Ratings made elsewhere, into a study of this workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::{ItemId, RaterId, Score, StudyId};
use crate::store::{
    Action, Assignment, Change, EventKind, ImportRecord, Item, NewAssignment, NewEvent, Rater,
    RaterKind, StoreError, Tx, Workspace,
};
use crate::table::TableError;

use super::rating_file::{BadLine, RatingFile, read_ratings};
use super::setup::hex;
use super::{Rating, StudyError};

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Rows below the header.
    pub rows: usize,
    /// Ratings stored now.
    pub stored: usize,
    /// Ratings that stood already with the same score: the file was read before.
    pub known: usize,
    /// Raters who were new to the study.
    pub new_raters: usize,
    /// Lines not taken.
    pub bad: Vec<BadLine>,
}

/// Reads a file as [`read_ratings`] does and stores its ratings, all in one transaction. Items are
/// named by item id, or by sample id where one item alone shows that sample. Raters are taken for
/// people. A rater who has the item by the plan rates there; others take a free place.
///
/// # Errors
/// As [`read_ratings`]; no such study. Items without a free place, ratings that differ from what
/// stands and names of the wrong form are bad lines; with `strict` nothing is stored then.
pub fn import_ratings(
    workspace: &mut Workspace,
    study: &StudyId,
    path: &Path,
    strict: bool,
) -> Result<ImportReport, StudyError> {
    let reader = workspace.read();
    reader.need_study(study)?;
    let items = reader.items(study)?;
    let names = names(&items);
    let known: BTreeSet<String> = names.keys().cloned().collect();
    let mut file = read_ratings(path, Some(&known), strict)?;
    let sha256 = checksum(path)?;
    workspace.write_as(|tx| {
        let mut report = store(tx, study, &file, &items, &names)?;
        let mut fresh = std::mem::take(&mut report.bad);
        file.bad.append(&mut fresh);
        file.bad.sort_by_key(|b| b.line);
        report.bad.clone_from(&file.bad);
        if strict {
            file.check(path, true)?;
        }
        tx.log_import(&ImportRecord {
            kind: "ratings".into(),
            file: path.to_string_lossy().into_owned(),
            sha256: sha256.clone(),
            report: serde_json::to_value(&report).unwrap_or_default(),
        })?;
        Ok(report)
    })
}

/// Items by their own name, and by their sample where that is unambiguous (a repeat shows a
/// sample a second time and is only reached by its own name).
fn names(items: &[Item]) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for (i, item) in items.iter().enumerate() {
        if let (Some(sample), None) = (&item.sample, &item.repeat_of) {
            out.insert(sample.as_str().to_owned(), i);
        }
    }
    for (i, item) in items.iter().enumerate() {
        out.insert(item.id.as_str().to_owned(), i);
    }
    out
}

fn checksum(path: &Path) -> Result<String, StudyError> {
    use std::io::Read as _;
    let io = || TableError::io(path);
    let mut file = std::fs::File::open(path).map_err(io())?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0u8; 1 << 16]);
    loop {
        let n = file.read(&mut buffer).map_err(io())?;
        if n == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..n]);
    }
}

fn store(
    tx: &Tx<'_>,
    study: &StudyId,
    file: &RatingFile,
    items: &[Item],
    names: &BTreeMap<String, usize>,
) -> Result<ImportReport, StudyError> {
    let mut report =
        ImportReport { rows: file.rows, stored: 0, known: 0, new_raters: 0, bad: Vec::new() };
    let mut raters: BTreeMap<RaterId, Rater> =
        tx.raters(study)?.into_iter().map(|r| (r.id.clone(), r)).collect();
    amend(tx, study, file, items, names, &raters)?;
    let mut held: BTreeMap<ItemId, Vec<Assignment>> = BTreeMap::new();
    for a in tx.assignments(study)?.into_iter().filter(|a| a.released_at.is_none()) {
        held.entry(a.content.item.clone()).or_default().push(a);
    }
    for (rating, line) in file.ratings.iter().zip(&file.lines) {
        let Some(item) = names.get(&rating.item).and_then(|i| items.get(*i)) else { continue };
        let mut refuse = |reason: String| report.bad.push(BadLine { line: *line, reason });
        let id = match RaterId::new(rating.rater.clone()) {
            Ok(id) => id,
            Err(e) => {
                refuse(e.to_string());
                continue;
            }
        };
        let here = held.entry(item.id.clone()).or_default();
        let assignment = if let Some(a) = here.iter().find(|a| a.content.rater == id) {
            a.id
        } else {
            let taken: BTreeSet<u32> = here.iter().map(|a| a.content.slot).collect();
            let slot = first_free(&taken);
            if item.k.is_some_and(|k| slot >= k) {
                refuse(format!("item `{}` has all its raters", item.id));
                continue;
            }
            report.new_raters += usize::from(declare(tx, study, &mut raters, &id, item)?);
            let content = NewAssignment {
                item: item.id.clone(),
                slot,
                rater: id.clone(),
                // file order: the order of showing is not known
                position: u32::try_from(*line).unwrap_or(u32::MAX),
                swap: false,
                lease_until: None,
            };
            let number = tx.assign(study, &content)?;
            here.push(Assignment { id: number, content, released_at: None });
            number
        };
        match put(tx, assignment, id, rating)? {
            Put::Stored => report.stored += 1,
            Put::Known => report.known += 1,
            Put::Differs(stands) => refuse(format!(
                "rater `{}` rated item `{}` {stands} in this study, the file says {}; an import \
                 never changes a rating",
                rating.rater, rating.item, rating.score
            )),
        }
    }
    Ok(report)
}

/// A fixed study takes raters that an amendment names, and no others: names those of the file who
/// are new, or who rate in a language that they did not declare.
fn amend(
    tx: &Tx<'_>,
    study: &StudyId,
    file: &RatingFile,
    items: &[Item],
    names: &BTreeMap<String, usize>,
    raters: &BTreeMap<RaterId, Rater>,
) -> Result<(), StudyError> {
    if tx.need_study(study)?.fixed.is_none() {
        return Ok(());
    }
    let mut new = BTreeSet::new();
    for rating in &file.ratings {
        let item = names.get(&rating.item).and_then(|i| items.get(*i));
        if let (Some(item), Ok(id)) = (item, RaterId::new(rating.rater.clone()))
            && !raters.get(&id).is_some_and(|r| r.languages.contains(&item.language))
        {
            new.insert(id);
        }
    }
    if !new.is_empty() {
        let change = Change { raters: new.into_iter().collect(), ..Change::default() };
        tx.amend(study, "ratings import", "ratings made elsewhere were read", &change)?;
    }
    Ok(())
}

/// The lowest place that nobody has.
fn first_free(taken: &BTreeSet<u32>) -> u32 {
    // places are few and ascending: the first gap is where place and index part
    (0u32..).zip(taken).take_while(|(want, have)| want == *have).count() as u32
}

/// Makes a new rater, or adds the item's language to a known one. True for a new one.
fn declare(
    tx: &Tx<'_>,
    study: &StudyId,
    raters: &mut BTreeMap<RaterId, Rater>,
    id: &RaterId,
    item: &Item,
) -> Result<bool, StoreError> {
    let new = !raters.contains_key(id);
    let rater = raters.entry(id.clone()).or_insert_with(|| Rater {
        id: id.clone(),
        kind: RaterKind::Human,
        languages: Vec::new(),
        cultures: Vec::new(),
        consent: None,
    });
    if !rater.languages.contains(&item.language) {
        rater.languages.push(item.language.clone());
        tx.put_rater(study, rater)?;
    }
    Ok(new)
}

enum Put {
    Stored,
    Known,
    Differs(u8),
}

fn put(tx: &Tx<'_>, assignment: i64, rater: RaterId, rating: &Rating) -> Result<Put, StudyError> {
    if let Some(score) = tx
        .current_rating(assignment)?
        .filter(|r| matches!(r.kind, EventKind::Submit | EventKind::Edit))
        .and_then(|r| r.score)
    {
        return Ok(if score == rating.score { Put::Known } else { Put::Differs(score) });
    }
    let action = Action::Submit(Score::new(rating.score)?);
    tx.put_event(&NewEvent::new(assignment, rater, action))?;
    Ok(Put::Stored)
}
