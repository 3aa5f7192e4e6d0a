//! The `polyculture` binary: parses the command line and hands over.

use std::process::ExitCode;

fn main() -> ExitCode {
    polyculture::cli::main(std::env::args_os(), polyculture::tui::FACE)
}
