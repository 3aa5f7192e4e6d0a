//! Many raters at once: real `polyculture rate` processes in pseudo-terminals, driven by keys.
//!
//! One thread does it all: it polls every terminal, reads what each screen says, and answers with a
//! key as a person would, after a time of thinking that is drawn from a seed. A second connection
//! to the database sees each rating become durable. Tests and the benchmark share this.
#![allow(dead_code, reason = "each user takes a part")]

mod crowd;
mod seat;
mod tally;
mod world;

#[allow(unused_imports, reason = "each user takes a part")]
pub use crowd::{Crowd, Manners};
#[allow(unused_imports, reason = "each user takes a part")]
pub use seat::to_a_pair;
pub use tally::Tally;
pub use world::World;
