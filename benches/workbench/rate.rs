//! From the key of a score to the row on the disk, one rater.

use std::time::Instant;

use anyhow::{Result, bail};
use jiff::Timestamp;
use polyculture::domain::{RaterId, Score};
use polyculture::store::{Access, Workspace};
use polyculture::study::session::{
    Act, Effect, OwnStudy, PATIENCE, Session, View, own_study, save,
};

/// Ratings that are timed.
const RATINGS: usize = 500;

/// Prints the median and the 99th percentile of the milliseconds from the act to the moment when
/// the session moves on.
pub fn rate() -> Result<()> {
    let folder = tempfile::tempdir()?;
    super::fill(folder.path(), 20_000)?;
    let mut ws = Workspace::open(folder.path(), Access::Write)?;
    let own = OwnStudy { rater: RaterId::new("r1")?, items: RATINGS, languages: vec![], seed: 1 };
    let study = own_study(&mut ws, &own)?;
    let mut session = Session::open(ws.read(), &study, &own.rater)?;
    let mut ms = Vec::new();
    loop {
        let now = Timestamp::now();
        let act = match session.view() {
            View::Item(_) => Act::Score(Score::new(ms.len() as u8 % 5 + 1)?),
            View::Done(_) => break,
            _ => Act::Begin,
        };
        let start = Instant::now();
        if let Some(Effect::Save(write)) = session.act(act, now) {
            let saved = save(&mut ws, &write, PATIENCE);
            if session.written(saved, now).is_some() || session.has_unsaved() {
                bail!("a rating was not saved");
            }
            ms.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    ms.sort_by(f64::total_cmp);
    let at = |share: f64| ms[((ms.len() - 1) as f64 * share) as usize];
    println!(
        "key to durable row, {} ratings: p50 {:.2} ms, p99 {:.2} ms",
        ms.len(),
        at(0.5),
        at(0.99)
    );
    Ok(())
}
