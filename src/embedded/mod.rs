//! Models inside the binary: encoder, decoder, training loop, scoring.
