//! The room without a terminal: bytes in, bytes out.

mod frames;
mod keys;
mod modes;
mod moves;
