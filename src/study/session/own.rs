//! A study of one's own: made, planned and fixed in one step, for a look at one's own samples.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::{RaterId, Sample, StudyId, Survey};
use crate::stats::dice::Dice;
use crate::store::{
    Consent, DecisionKind, PageFrom, Rater, RaterKind, Reader, SampleCursor, SampleFilter,
    SampleOrder, StudyRecord, Workspace,
};
use crate::study::plan::fix;
use crate::study::{NewStudy, StudyError, new_study};

/// Up to so many kept samples are all considered; of more, a random draw is.
const ALL: usize = 5_000;
/// Samples drawn for every one that is wanted: enough that every seed is among them.
const DRAWN: usize = 40;

/// A study for one rater.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnStudy {
    /// Who rates; a person.
    pub rater: RaterId,
    /// Samples to rate; controls and repeats come on top.
    pub items: usize,
    /// BCP 47 tags of the languages to take samples of; empty for all there are.
    pub languages: Vec<String>,
    /// Random seed of choice and order.
    pub seed: u64,
}

/// Makes a study of kept samples for one rater, plans and fixes it, in one transaction. Its name
/// is `own-N`, the first that is free. Answers the name; [`super::load`] opens it. Whoever rates
/// their own samples has nothing to consent to; the consent says so.
///
/// # Errors
/// No kept sample in these languages; the database cannot be read or written.
pub fn own_study(store: &mut Workspace, own: &OwnStudy) -> Result<StudyId, StudyError> {
    let survey = store.read().survey()?;
    let samples = candidates(store.read(), own, &survey)?;
    store.write_as(|tx| {
        let taken: BTreeSet<String> = tx.studies()?.into_iter().map(|s| s.id.into()).collect();
        let free = (1..).map(|n| format!("own-{n}")).find(|n| !taken.contains(n));
        let name = StudyId::new(free.unwrap_or_default())?;
        let spec = NewStudy {
            k: 1,
            // everybody is one person: nothing to tie together
            anchors: 0,
            // who looks at samples of their own needs no practice for it
            qualification: 0,
            // nobody else's judgement can lean on it
            word_diff: true,
            ..NewStudy::named(name.clone(), own.items, own.seed)
        };
        let items = new_study(&samples, &survey, &spec)?;
        let languages: BTreeSet<String> = items.iter().map(|i| i.language.clone()).collect();
        let record = StudyRecord {
            id: name.clone(),
            created: Timestamp::now(),
            study_type: crate::domain::StudyType::default(),
            k: spec.k,
            seed: spec.seed,
            spec: serde_json::to_value(&spec).unwrap_or_default(),
            fixed: None,
        };
        tx.put_study(&record, &items)?;
        let rater = Rater {
            id: own.rater.clone(),
            kind: RaterKind::Human,
            languages: languages.into_iter().collect(),
            cultures: Vec::new(),
            consent: Some(Consent { version: "own".into(), at: Timestamp::now() }),
        };
        fix(tx, &name, &[rater])?;
        Ok(name)
    })
}

/// Kept samples to choose from. Of very many, draws by chance: reading a million to rate twenty
/// would take a second and a gigabyte.
fn candidates(
    reader: Reader<'_>,
    own: &OwnStudy,
    survey: &Survey,
) -> Result<Vec<Sample>, StudyError> {
    let kept = SampleFilter { decision: Some(DecisionKind::Kept), ..SampleFilter::default() };
    let usable = |s: &Sample| {
        !s.provenance.held_out
            && (own.languages.is_empty() || own.languages.contains(&s.language))
            && survey.question(&s.seed).is_some_and(|q| q.language == s.language)
    };
    let page = |from, limit| reader.samples_page(&kept, SampleOrder::Arrival, from, limit);
    let mut rows = page(PageFrom::First, ALL as u32 + 1)?;
    if rows.len() > ALL {
        let ends = (rows.first().map(|r| r.row), page(PageFrom::Last, 1)?.first().map(|r| r.row));
        if let (Some(first), Some(last)) = ends {
            rows.clear();
            let span = usize::try_from(last - first + 1).unwrap_or(1);
            let mut dice = Dice::new(own.seed, &["own"]);
            // kept ones in other languages are drawn too: go on until there are enough, or until
            // it is plain that there are few
            for _ in 0..20 {
                for _ in 0..own.items.max(1) * DRAWN / 4 {
                    let row = first + dice.below(span) as i64;
                    rows.extend(page(PageFrom::At(SampleCursor::at(row)), 1)?);
                }
                if rows.iter().filter(|r| usable(&r.sample)).count() >= own.items * DRAWN / 4 {
                    break;
                }
            }
        }
    }
    let found = rows.len();
    let samples: Vec<Sample> = rows.into_iter().map(|r| r.sample).filter(usable).collect();
    if samples.is_empty() {
        return Err(StudyError::NoSamples { found, unusable: found });
    }
    Ok(samples)
}
