//! A rater leaves, with all that is theirs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{RaterId, StudyId};
use crate::store::{RaterKind, StoreError, Withdrawal, Workspace};

use super::StudyError;

/// What a withdrawal did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawReport {
    /// What stays: that they left, and how much was erased.
    pub withdrawal: Withdrawal,
    /// Their places that others have now.
    pub given: usize,
    /// True when the bytes are out of the database's files too. False: somebody held the database;
    /// the same command again finishes it.
    pub cleaned: bool,
}

/// Erases what a rater did, leaves a tombstone, opens their places to others, and cleans the
/// database's files. Again for the same rater: only the cleaning is done again. Drafts that lie
/// outside the workspace are the caller's to remove, and backups made before keep what they hold.
///
/// # Errors
/// No such rater, or no person; the database cannot be written.
pub fn withdraw(
    workspace: &mut Workspace,
    study: &StudyId,
    rater: &RaterId,
) -> Result<WithdrawReport, StudyError> {
    workspace.erase_on_delete()?;
    let (withdrawal, given) = workspace.write_as(|tx| {
        tx.need_study(study)?;
        let Some(person) = tx.rater(study, rater)? else {
            let others = tx.raters(study)?.len();
            return Err(StudyError::UnknownRater {
                study: study.clone(),
                rater: rater.clone(),
                others,
            });
        };
        if person.kind == RaterKind::Judge {
            let kind = "a model judge";
            return Err(StudyError::NotAPerson {
                study: study.clone(),
                rater: rater.clone(),
                kind,
            });
        }
        let before = tx.withdrawals(study)?.iter().any(|w| w.rater == *rater);
        let withdrawal = tx.withdraw(study, rater)?;
        let mut given = 0;
        if !before && tx.need_study(study)?.fixed.is_some() {
            let until = tx.lease_of(study)?.map(|l| l.until(Timestamp::now()));
            given = tx.fill_vacant(study, until)?.iter().filter(|g| g.to.is_some()).count();
        }
        Ok((withdrawal, given))
    })?;
    let cleaned = match workspace.clean() {
        Ok(()) => true,
        Err(StoreError::Busy { .. }) => false,
        Err(e) => return Err(e.into()),
    };
    Ok(WithdrawReport { withdrawal, given, cleaned })
}
