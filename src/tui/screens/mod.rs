//! The eight screens.

pub mod evaluate;
pub mod finetune;
pub mod overview;
pub mod rate;
pub mod runs;
pub mod samples;
pub mod seeds;
pub mod settings;
pub mod study;
pub mod watch;

pub use evaluate::Evaluate;
pub use finetune::Finetune;
pub use overview::Overview;
pub use rate::Rate;
pub use runs::Runs;
pub use samples::Samples;
pub use seeds::Seeds;
pub use settings::Settings;
pub use study::Leading;
pub use watch::Watching;

use super::screen::{Screen, ScreenId};

/// All of them.
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Screens {
    pub overview: Overview,
    pub seeds: Seeds,
    pub samples: Samples,
    pub rate: Rate,
    pub finetune: Finetune,
    pub evaluate: Evaluate,
    pub runs: Runs,
    pub settings: Settings,
    pub watch: Watching,
    pub study: Leading,
}

impl Screens {
    /// One of them.
    pub fn get(&mut self, id: ScreenId) -> &mut dyn Screen {
        match id {
            ScreenId::Overview => &mut self.overview,
            ScreenId::Seeds => &mut self.seeds,
            ScreenId::Samples => &mut self.samples,
            ScreenId::Rate => &mut self.rate,
            ScreenId::Finetune => &mut self.finetune,
            ScreenId::Evaluate => &mut self.evaluate,
            ScreenId::Runs => &mut self.runs,
            ScreenId::Settings => &mut self.settings,
            ScreenId::Watch => &mut self.watch,
            ScreenId::Study => &mut self.study,
        }
    }

    /// One of them, to look at.
    pub fn look(&self, id: ScreenId) -> &dyn Screen {
        match id {
            ScreenId::Overview => &self.overview,
            ScreenId::Seeds => &self.seeds,
            ScreenId::Samples => &self.samples,
            ScreenId::Rate => &self.rate,
            ScreenId::Finetune => &self.finetune,
            ScreenId::Evaluate => &self.evaluate,
            ScreenId::Runs => &self.runs,
            ScreenId::Settings => &self.settings,
            ScreenId::Watch => &self.watch,
            ScreenId::Study => &self.study,
        }
    }
}
