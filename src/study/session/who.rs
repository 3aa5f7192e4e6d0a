//! Who can rate what, and who is meant where not everything was said.

use std::collections::BTreeSet;

use crate::domain::{RaterId, StudyId};
use crate::store::{RaterKind, Reader, StoreError};
use crate::study::StudyError;

/// Somebody who can rate in some study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    /// The study.
    pub study: StudyId,
    /// The rater; `None` where no person can rate it.
    pub rater: Option<RaterId>,
    /// Pairs rated.
    pub done: u64,
    /// Pairs in all.
    pub of: u64,
    /// True once the study is planned.
    pub planned: bool,
}

/// Everybody who can rate, study by study, the newest study first. A study without people is one
/// row without a rater.
///
/// # Errors
/// The database cannot be read.
pub fn picks(reader: Reader<'_>) -> Result<Vec<Pick>, StoreError> {
    let mut out = Vec::new();
    for study in reader.studies()?.into_iter().rev() {
        let before = out.len();
        let planned = study.fixed.is_some();
        let row = |rater, done, of| Pick { study: study.id.clone(), rater, done, of, planned };
        for r in reader.progress(&study.id)? {
            if r.kind == RaterKind::Human && r.assigned > 0 {
                out.push(row(Some(r.rater), r.rated, r.assigned));
            }
        }
        if out.len() == before {
            out.push(row(None, 0, 0));
        }
    }
    Ok(out)
}

/// The study and the rater meant. Where the study is not named: the only one that has this rater.
/// Where the rater is not: the only one in the study, or the one named like `user`.
///
/// # Errors
/// There is none, or more than one: with what to say instead. A name of the wrong form.
pub fn who(
    reader: Reader<'_>,
    study: Option<&str>,
    rater: Option<&str>,
    user: Option<&str>,
) -> Result<(StudyId, RaterId), StudyError> {
    let all: Vec<(StudyId, RaterId)> =
        picks(reader)?.into_iter().filter_map(|p| Some((p.study, p.rater?))).collect();
    let study = match study {
        Some(s) => {
            let study = StudyId::new(s)?;
            reader.need_study(&study)?;
            study
        }
        None => {
            let has = |r: &RaterId| rater.is_none_or(|name| name == r.as_str());
            let of: BTreeSet<&StudyId> =
                all.iter().filter(|(_, r)| has(r)).map(|(s, _)| s).collect();
            match (of.first(), of.len()) {
                (Some(one), 1) => (*one).clone(),
                (_, 0) => return Err(StudyError::NothingToRate),
                (_, n) => return Err(StudyError::WhichStudy { n }),
            }
        }
    };
    if let Some(name) = rater {
        return Ok((study, RaterId::new(name)?));
    }
    let of: Vec<&RaterId> = all.iter().filter(|(s, _)| *s == study).map(|(_, r)| r).collect();
    let own = of.iter().find(|r| user == Some(r.as_str()));
    match (of.as_slice(), own) {
        ([one], _) | (_, Some(one)) => Ok((study, (*one).clone())),
        ([], _) => Err(StudyError::NoPeople { study }),
        _ => Err(StudyError::WhichRater { study }),
    }
}
