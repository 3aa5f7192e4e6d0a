//! What the results of a run become in the workspace database.
