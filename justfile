# The commands that matter. `just` lists them.
default:
    @just --list

# everything CI does, on this checkout
ci:
    bash .ci/run

# formatting, lints, docs
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

# the README's test command
test:
    cargo test

# the README's first command
demo:
    cargo run --release -- demo

# speed beside the peers named in docs/benchmarks.md (installs them into a virtual environment)
bench:
    python3 benches/import/run.py
    python3 benches/agreement/run.py
