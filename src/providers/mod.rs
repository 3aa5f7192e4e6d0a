//! Chat and embedding providers behind one trait.
