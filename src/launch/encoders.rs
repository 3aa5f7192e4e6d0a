//! What measured similarity in the runs that grew samples.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Place;

/// The one setting that is looked for.
#[derive(Deserialize)]
struct Written {
    encoder: Option<String>,
}

/// The similarity model of each run that grew samples: `lexical`, `encoder:NAME`. Runs whose
/// folder is gone are left out.
pub fn encoders_of_runs(place: &Place) -> BTreeMap<String, String> {
    let Ok(runs) = std::fs::read_dir(place.folder().runs()) else { return BTreeMap::new() };
    runs.flatten()
        .filter_map(|run| {
            let text = std::fs::read(run.path().join("input").join("settings.json")).ok()?;
            let written: Written = serde_json::from_slice(&text).ok()?;
            let name = written.encoder.map_or_else(|| "lexical".into(), |e| format!("encoder:{e}"));
            Some((run.file_name().into_string().ok()?, name))
        })
        .collect()
}
