//! Fifty raters at work: how long from a key until the rating is durable, and until the screen says
//! so, with real `polyculture rate` processes in pseudo-terminals.
//!
//!     cargo bench --bench raters -- --raters 50 --items 2000 --think-ms 2000
//!
//! One thread drives them all and shares the processors with them. The rows are seen by a second
//! connection to the database that looks once a millisecond; SQLite shows a row to a reader only
//! after the log that holds it was synced. The table goes into docs/benchmarks.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that meets an error fails"
)]

#[path = "../../tests/pty/mod.rs"]
mod pty;
#[path = "../../tests/raters/mod.rs"]
mod raters;

use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use raters::{Crowd, Manners, Tally, World};

/// Gates of the rating study, in milliseconds from a key to the durable row.
const GATES: (f64, f64) = (50.0, 150.0);

fn main() {
    let mut args = std::env::args().skip(1);
    let (mut raters, mut items, mut think, mut seed) = (50, 2000, 2000, 1);
    let mut on: Option<PathBuf> = None;
    let mut program = PathBuf::from(env!("CARGO_BIN_EXE_polyculture"));
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| panic!("{arg} wants a value"));
        match arg.as_str() {
            "--raters" => raters = value().parse().expect("a number"),
            "--items" => items = value().parse().expect("a number"),
            "--think-ms" => think = value().parse().expect("milliseconds"),
            "--seed" => seed = value().parse().expect("a number"),
            "--on" => on = Some(value().into()),
            "--program" => program = value().into(),
            // said by cargo
            "--bench" => {}
            other => panic!("unknown: {other}"),
        }
    }
    let k = 3;
    let world = World::new(&program, on.as_deref(), raters, items, k);
    let sync = synced(&world.folder());
    let think = Duration::from_millis(think);
    let manners = Manners { think, arrive: think, doubts: 0.0, ..Manners::quick(seed) };
    let tally = Crowd::new(&world, manners).run();
    tally.check(&world, k as usize);
    let spent = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage");
    let cpu = (spent.user_time() + spent.system_time()).num_milliseconds() as f64 / 1e3;
    let mine = getrusage(UsageWho::RUSAGE_SELF).expect("usage");
    let mine = (mine.user_time() + mine.system_time()).num_milliseconds() as f64 / 1e3;
    let n = tally.row.len() as f64;
    let q = Tally::quantile;
    println!("{raters} raters, {items} items, k = {k}, mean think time {} ms", think.as_millis());
    println!(
        "{n} ratings in {:.0} s ({:.1} a second): none lost, none twice, none over-assigned",
        tally.seconds,
        n / tally.seconds
    );
    println!("| ms | p50 | p90 | p99 | most |\n|---|---|---|---|---|");
    for (what, of) in
        [("key to durable row", &tally.row), ("key to `saved` on the screen", &tally.screen)]
    {
        let most = q(of, 1.0);
        println!(
            "| {what} | {:.1} | {:.1} | {:.1} | {most:.1} |",
            q(of, 0.5),
            q(of, 0.9),
            q(of, 0.99)
        );
    }
    println!(
        "| a write of 4 KiB and its sync, alone | {:.1} | {:.1} | {:.1} | {:.1} |",
        q(&sync, 0.5),
        q(&sync, 0.9),
        q(&sync, 0.99),
        q(&sync, 1.0)
    );
    println!(
        "processor time: {:.1} ms a rating in the programs ({:.0} % of one processor), {:.0} % in the driver; \
         {:.0} bytes to the terminal a rating",
        cpu * 1e3 / n,
        cpu / tally.seconds * 100.0,
        mine / tally.seconds * 100.0,
        tally.bytes as f64 / n
    );
    let (p50, p99) = (q(&tally.row, 0.5), q(&tally.row, 0.99));
    let holds = |is: f64, gate: f64| if is < gate { "holds" } else { "DOES NOT HOLD" };
    println!(
        "gate p50 < {} ms {}; p99 < {} ms {}",
        GATES.0,
        holds(p50, GATES.0),
        GATES.1,
        holds(p99, GATES.1)
    );
}

/// Milliseconds of 200 small writes with their sync on the disk that holds the database.
fn synced(folder: &Path) -> Vec<f64> {
    let mut file = tempfile::tempfile_in(folder).expect("a file");
    (0..200)
        .map(|_| {
            let at = Instant::now();
            file.rewind().expect("the file");
            file.write_all(&[7; 4096]).expect("the disk");
            file.sync_data().expect("the disk");
            at.elapsed().as_secs_f64() * 1e3
        })
        .collect()
}
