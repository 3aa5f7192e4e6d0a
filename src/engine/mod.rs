//! The task engine: protocol, daemon, shim, adoption, client.
