//! Which job an attempt folder asks for.
