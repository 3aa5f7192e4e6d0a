//! Sets of our own writing, inside the binary, so that everything can be tried at once. They are
//! about made-up groups and places, mild in tone, and small: they show that a run works, and say
//! little about a model.

/// Pools of our own sets begin so.
pub const POOL: &str = "samples/";
