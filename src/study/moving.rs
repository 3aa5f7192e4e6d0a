//! A study carried to another workspace by playing its log again.

use serde::{Deserialize, Serialize};

use crate::domain::StudyId;
use crate::store::{ImportRecord, Reader, Workspace};

use super::StudyError;
use super::setup::hex;
use super::verify::{Severity, verify};

/// What a move did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveReport {
    /// Items carried.
    pub items: usize,
    /// Events of the log.
    pub events: usize,
    /// True where the same study was there already: nothing was written.
    pub already: bool,
}

/// Carries a study with items, texts, raters, assignments, events, verdicts, adjudications and
/// amendments into another workspace: with the uuids and times they have, in one transaction that
/// is verified before it is committed. The old one stays as it is. Again after a crash: whatever
/// was not committed is done, and what was is found.
///
/// # Errors
/// No such study; a study of that name with another content is there; the log does not verify.
pub fn move_study(
    from: Reader<'_>,
    to: &mut Workspace,
    study: &StudyId,
) -> Result<MoveReport, StudyError> {
    let not = |reason: String| StudyError::NotMoved { study: study.clone(), reason };
    let carried = from.carry(study)?;
    let (items, events) = (carried.items(), carried.events());
    let lines = carried.lines();
    to.write_as(|tx| {
        if tx.study(study)?.is_some() {
            if tx.carry(study)?.lines() == lines {
                return Ok(MoveReport { items, events, already: true });
            }
            return Err(not("a study of that name with another content is there; a study never \
                            gets another name, so move it to another workspace"
                .to_owned()));
        }
        tx.put_carried(&carried, "moved")?;
        if tx.carry(study)?.lines() != lines {
            return Err(not("what was written differs from what was read".to_owned()));
        }
        if let Some(f) = verify(**tx, study)?.into_iter().find(|f| f.severity == Severity::Broken) {
            return Err(not(format!("it does not verify: {} ({})", f.what, f.way_out)));
        }
        tx.log_import(&ImportRecord {
            kind: "study".into(),
            file: study.to_string(),
            sha256: fingerprint(&lines),
            report: serde_json::json!({"items": items, "events": events}),
        })?;
        Ok(MoveReport { items, events, already: false })
    })
}

fn fingerprint(lines: &[String]) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(line.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize())
}
