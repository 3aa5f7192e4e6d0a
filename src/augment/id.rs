//! Ids of samples.

use sha2::{Digest, Sha256};

use crate::domain::{QuestionId, SampleId};
use crate::text::nfc;

/// `s-` and the first 16 hexadecimal digits of the SHA-256 of seed, language and text (NFC): the
/// same proposal is the same sample, whoever makes it and however often.
///
/// # Errors
/// Never for these characters; the type asks all the same.
pub fn sample_id(
    seed: &QuestionId,
    language: &str,
    text: &str,
) -> Result<SampleId, crate::domain::DomainError> {
    let mut sha = Sha256::new();
    for part in [seed.as_str(), language, &nfc(text)] {
        sha.update(part.as_bytes());
        sha.update([0]);
    }
    let hex: String = sha.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect();
    SampleId::new(format!("s-{hex}"))
}
