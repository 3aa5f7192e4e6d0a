//! What a face asks for, frozen into a run's `input/` and handed to the engine. Both faces and the
//! demo start runs here, so that a run is the same whoever asked for it. No rule of the domain
//! lives here: the activities plan, this room carries.

mod place;

pub use place::{Place, PlaceError};
