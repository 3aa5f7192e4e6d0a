//! The job contract: what an attempt folder holds, run states, metrics, manifests.
