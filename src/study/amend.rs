//! What may change after a plan was fixed, and only so: logged, with who and why.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Lease, QuestionId, RaterId, StudyId};
use crate::stats::dice::Dice;
use crate::store::{Change, Item, JUDGE_SLOTS, Reclaimed, StudyRecord, StudyText, Tx, Workspace};

use super::StudyError;
use super::setup::{Material, items_of, renumber};
use super::spec::StudySpec;
use super::spec_parts::RaterSpec;

/// An amendment to make. Several changes may stand in one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Amend {
    /// Who makes it.
    pub who: String,
    /// Why.
    pub reason: String,
    /// Raters who come, or who declare other languages and cultures.
    pub add_raters: Vec<RaterSpec>,
    /// Raters whose unrated items go to others.
    pub release: Vec<RaterId>,
    /// Items that come, chosen as the others were.
    pub add_items: usize,
    /// Raters an item from now on.
    pub k: Option<u32>,
    /// How long items wait from now on.
    pub lease: Option<Lease>,
    /// Texts that come.
    pub texts: Vec<StudyText>,
}

/// What an amendment did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmendReport {
    /// Its number.
    pub n: u32,
    /// Raters who are new.
    pub raters: Vec<RaterId>,
    /// Items that are new.
    pub items: usize,
    /// Places given: to new raters, of new items, of raters who were released.
    pub given: usize,
    /// Places that nobody may have: raters are missing.
    pub open: usize,
}

/// Amends a fixed study, in one transaction: the log first, then what it lets in. `material` is
/// needed for new items only.
///
/// # Errors
/// The study is not fixed (plan it then); no reason; nothing to change; raters or items that
/// cannot be; the database cannot be written.
pub fn amend(
    workspace: &mut Workspace,
    study: &StudyId,
    amend: &Amend,
    material: Option<&Material>,
) -> Result<AmendReport, StudyError> {
    workspace.write_as(|tx| amend_in(tx, study, amend, material))
}

fn amend_in(
    tx: &Tx<'_>,
    study: &StudyId,
    amend: &Amend,
    material: Option<&Material>,
) -> Result<AmendReport, StudyError> {
    let no = |reason: String| StudyError::NoAmendment { study: study.clone(), reason };
    let record = tx.need_study(study)?;
    if record.fixed.is_none() {
        return Err(no("it is not fixed yet: `polyculture study plan` takes all raters".into()));
    }
    if amend.reason.trim().is_empty() {
        return Err(no("an amendment needs a reason (--reason)".into()));
    }
    let nothing = amend.add_raters.is_empty()
        && amend.release.is_empty()
        && amend.texts.is_empty()
        && (amend.add_items, amend.k, amend.lease) == (0, None, None);
    if nothing {
        return Err(no("nothing changes by it".into()));
    }
    let gone: BTreeSet<RaterId> = tx.withdrawals(study)?.into_iter().map(|w| w.rater).collect();
    if let Some(back) = amend.add_raters.iter().find(|r| gone.contains(&r.id)) {
        return Err(no(format!(
            "{} left the study; a person who comes back is a new rater",
            back.id
        )));
    }
    let k = match amend.k {
        Some(0) => return Err(no("k is 1 or more".into())),
        Some(k) => k,
        None => tx.k_of(study)?,
    };
    let items = new_items(tx, &record, amend, k, material)?;
    let mut more = serde_json::Map::new();
    if let Some(k) = amend.k {
        more.insert("k".into(), k.into());
    }
    if let Some(lease) = amend.lease {
        more.insert("lease".into(), lease.to_string().into());
    }
    let change = Change {
        raters: amend.add_raters.iter().map(|r| r.id.clone()).collect(),
        items: items.iter().map(|i| i.id.clone()).collect(),
        texts: amend.texts.iter().map(StudyText::name).collect(),
        released: amend.release.clone(),
        more,
    };
    let n = tx.amend(study, &amend.who, &amend.reason, &change)?;

    let until = tx.lease_of(study)?.map(|l| l.until(Timestamp::now()));
    for text in &amend.texts {
        tx.put_study_text(study, text)?;
    }
    let before: BTreeSet<RaterId> = tx.raters(study)?.into_iter().map(|r| r.id).collect();
    for rater in &amend.add_raters {
        tx.put_rater(study, &rater.person())?;
    }
    tx.put_items(study, &items)?;
    let mut given: Vec<Reclaimed> = Vec::new();
    for rater in &amend.release {
        given.extend(tx.release_rater(study, rater, until)?);
    }
    if let Some(k) = amend.k {
        drop_places(tx, study, k)?;
    }
    let mut common = 0;
    for rater in &amend.add_raters {
        common += tx.give_common(study, &rater.person(), until)?;
    }
    given.extend(tx.fill_vacant(study, until)?);
    let new: Vec<RaterId> =
        amend.add_raters.iter().map(|r| r.id.clone()).filter(|r| !before.contains(r)).collect();
    if amend.lease.is_some() {
        // a study planned without leases has places without an end
        for a in tx.assignments(study)? {
            if a.released_at.is_none()
                && a.content.lease_until.is_none()
                && a.content.slot < JUDGE_SLOTS
            {
                tx.lease(a.id, until)?;
            }
        }
    }
    let evened = tx.even_out(study, &new, until)?;
    Ok(AmendReport {
        n,
        raters: new,
        items: items.len(),
        given: given.iter().filter(|g| g.to.is_some()).count() + common + evened,
        open: tx.vacant(study)?.len(),
    })
}

/// Items that the study does not have, chosen by the same rules with chances of their own.
fn new_items(
    tx: &Tx<'_>,
    record: &StudyRecord,
    amend: &Amend,
    k: u32,
    material: Option<&Material>,
) -> Result<Vec<Item>, StudyError> {
    if amend.add_items == 0 {
        return Ok(Vec::new());
    }
    let no = |reason: String| StudyError::NoAmendment { study: record.id.clone(), reason };
    let (Some(spec), Some(material)) = (StudySpec::stored(&record.spec), material) else {
        return Err(no("its settings do not say what items it takes; make a new study".into()));
    };
    let there = tx.items(&record.id)?;
    let n = tx.amendments(&record.id)?.len();
    let mut dice = Dice::new(record.seed, &["amend", &n.to_string()]);
    let spec = StudySpec {
        items: amend.add_items,
        k,
        anchors: 0,
        controls: 0,
        repeats: 0.0,
        seed: dice.below(usize::MAX) as u64,
        ..spec
    };
    if let Material::Answers(rows) = material {
        let pairs: BTreeSet<&[String]> =
            there.iter().map(|i| i.origin.models.as_slice()).filter(|m| m.len() == 2).collect();
        let turned = rows.iter().any(|a| {
            let b = a.model_b.clone();
            b.is_some_and(|b| {
                let other = [b.clone(), a.model_a.clone()];
                pairs.contains(other.as_slice())
                    && !pairs.contains([a.model_a.clone(), b].as_slice())
            })
        });
        if turned {
            return Err(no(
                "model_a and model_b stand the other way round than in the study: exchange the \
                 columns"
                    .into(),
            ));
        }
    }
    let material = without(material, &there);
    let chosen = items_of(&spec, &material).map_err(|e| match e {
        StudyError::NoSamples { .. } => no("nothing is left that could become an item".into()),
        other => other,
    })?;
    renumber(same_questions(chosen, &there)?, &there)
}

/// Questions that a file of answers asks have numbers of its own: a question that the study knows
/// keeps its name, others get new ones.
fn same_questions(mut items: Vec<Item>, there: &[Item]) -> Result<Vec<Item>, StudyError> {
    let mut names: BTreeMap<String, QuestionId> =
        there.iter().filter_map(|i| Some((i.context.clone()?, i.seed.clone()))).collect();
    for i in items.iter_mut().filter(|i| i.seed.as_str().ends_with(".asked")) {
        let Some(question) = &i.context else { continue };
        let next = names.len() + 1;
        i.seed = match names.get(question) {
            Some(known) => known.clone(),
            None => QuestionId::new(format!("Q{next}.asked"))?,
        };
        names.insert(question.clone(), i.seed.clone());
    }
    Ok(items)
}

/// The material without what the study has.
fn without(material: &Material, there: &[Item]) -> Material {
    match material {
        Material::Samples { samples, seeds, encoders } => {
            let known: BTreeSet<&str> =
                there.iter().filter_map(|i| i.sample.as_ref()).map(AsRef::as_ref).collect();
            let samples =
                samples.iter().filter(|s| !known.contains(s.id.as_str())).cloned().collect();
            Material::Samples { samples, seeds: seeds.clone(), encoders: encoders.clone() }
        }
        Material::Answers(rows) => {
            let known: BTreeSet<(Option<&str>, &str)> =
                there.iter().map(|i| (i.context.as_deref(), i.sample_text.as_str())).collect();
            let new = rows.iter().filter(|a| {
                let second = a.answer_b.as_deref().unwrap_or(&a.answer_a);
                !known.contains(&(Some(a.question.as_str()), second))
            });
            Material::Answers(new.cloned().collect())
        }
    }
}

/// A smaller k takes back places that nobody rated in; ratings that are there stay.
fn drop_places(tx: &Tx<'_>, study: &StudyId, k: u32) -> Result<(), StudyError> {
    let items: BTreeSet<_> =
        tx.items(study)?.into_iter().filter(|i| i.k.is_some()).map(|i| i.id).collect();
    let rated: BTreeSet<i64> =
        tx.current_ratings(study)?.into_iter().map(|r| r.assignment).collect();
    for a in tx.assignments(study)? {
        let beyond = (k..crate::store::JUDGE_SLOTS).contains(&a.content.slot);
        if beyond
            && a.released_at.is_none()
            && items.contains(&a.content.item)
            && !rated.contains(&a.id)
        {
            tx.release(a.id)?;
        }
    }
    Ok(())
}
