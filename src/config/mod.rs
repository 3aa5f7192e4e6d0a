//! User and workspace configuration, and where things live on disk.
