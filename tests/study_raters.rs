//! Several raters at once, each a real `polyculture rate` in a terminal of its own: nothing is lost,
//! nothing is stored twice, no item gets more raters than it may, and kills at any moment change
//! nothing about that. `POLYCULTURE_KILLS=400` makes the round of kills a long one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets an error fails"
)]

mod pty;
mod raters;

use std::path::Path;

use pty::Pty;
use raters::{Crowd, Manners, Tally, World, to_a_pair};

fn world(raters: usize, items: usize, k: u32) -> World {
    World::new(Path::new(env!("CARGO_BIN_EXE_polyculture")), None, raters, items, k)
}

#[test]
fn eight_raters_at_once_lose_nothing_and_store_nothing_twice() {
    let world = world(8, 40, 3);
    let tally = Crowd::new(&world, Manners::quick(5)).run();
    tally.check(&world, 3);
    let (p50, p99) = (Tally::quantile(&tally.row, 0.5), Tally::quantile(&tally.row, 0.99));
    println!("{} ratings, key to row p50 {p50:.1} ms, p99 {p99:.1} ms", tally.row.len());
}

#[test]
fn kills_at_any_moment_lose_no_rating_that_a_rater_was_told_of() {
    let kills = std::env::var("POLYCULTURE_KILLS").map_or(40, |n| n.parse().unwrap());
    let world = world(8, kills.max(40), 3);
    let tally = Crowd::new(&world, Manners { kills, ..Manners::quick(6) }).run();
    assert_eq!(tally.kills, kills);
    tally.check(&world, 3);
    println!(
        "{} kills, {} of them before the answer; {} ratings",
        tally.kills,
        tally.cut,
        tally.row.len()
    );
}

/// Others' commits are no reason to wake a rater: it would draw a frame for each of them.
#[test]
fn a_rater_alone_does_not_watch_the_database() {
    let world = world(3, 6, 3);
    let pty = Pty::spawn(&world.rate("r001"), 80, 24, &[]);
    pty.wait_for_text("Welcome");
    let watches = || {
        let fds = std::fs::read_dir(format!("/proc/{}/fd", pty.pid())).unwrap();
        fds.filter_map(|f| std::fs::read_link(f.ok()?.path()).ok())
            .filter(|to| to.to_string_lossy().contains("inotify"))
            .count()
    };
    // whatever is started after the first frame has started once a key was answered
    pty.wait_for_bytes(0, b"\x1b]11;?", "question for the background");
    to_a_pair(&pty);
    assert_eq!(watches(), 0);
}
