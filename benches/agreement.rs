//! Ordinal alpha with 10,000 bootstrap draws, timed. `benches/agreement/run.py` runs this and the
//! `krippendorff` package on the same ratings and the same draws.
//!
//! Arguments: `--out DIR` writes `ratings.csv`, `picks.bin` (draws x items, u32, little endian)
//! there for the other side; `--runs N` repeats the timing. One JSON object on stdout.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use polyculture::stats::Estimate;
use polyculture::stats::agreement::{Coefficient, Ratings, bootstrap};
use polyculture::stats::bootstrap::{Resampling, picks};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

const ITEMS: usize = 500;
const RATERS: usize = 50;
const SEED: u64 = 20_240_210;

/// Seconds of each run, and what came out.
struct Timed {
    seconds: Vec<f64>,
    alpha: Estimate,
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut out, mut runs) = (None, 5usize);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--out" => out = args.next().map(PathBuf::from),
            "--runs" => runs = args.next().ok_or("--runs takes a number")?.parse()?,
            "--bench" => {} // cargo bench adds it
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    let rows = ratings();
    let how = Resampling { draws: 10_000, seed: SEED, level: 0.95 };
    let matrix = Ratings::from_rows(Some(&[1.0, 2.0, 3.0, 4.0, 5.0]), &rows)?;
    let time = |which: &[Coefficient]| -> Result<Timed, Box<dyn Error>> {
        let mut seconds = Vec::new();
        let mut first = None;
        for _ in 0..runs {
            let start = Instant::now();
            let all = bootstrap::<usize>(&matrix, None, which, "item", &how)?;
            seconds.push(start.elapsed().as_secs_f64());
            first = all.into_iter().next();
        }
        let alpha = first.ok_or("nothing was run")?.1?;
        Ok(Timed { seconds, alpha })
    };
    let alone = time(&[Coefficient::AlphaOrdinal])?;
    let three = time(&Coefficient::ORDERED)?;
    let ends = alone.alpha.interval.ok_or("no interval")?;
    if let Some(dir) = out {
        std::fs::create_dir_all(&dir)?;
        let mut csv = String::new();
        for row in &rows {
            let cells: Vec<String> =
                row.iter().map(|s| s.map_or(String::new(), |x| x.to_string())).collect();
            writeln!(csv, "{}", cells.join(","))?;
        }
        std::fs::write(dir.join("ratings.csv"), csv)?;
        let mut bytes = Vec::new();
        for draw in 0..how.draws {
            for item in picks(how.seed, draw, ITEMS) {
                bytes.extend(u32::try_from(item)?.to_le_bytes());
            }
        }
        std::fs::write(dir.join("picks.bin"), bytes)?;
    }
    println!(
        "{}",
        serde_json::json!({
            "items": ITEMS, "raters": RATERS, "given": matrix.given(), "draws": how.draws,
            "threads": std::thread::available_parallelism()?.get(),
            "alpha": alone.alpha.value, "lo": ends.lo, "hi": ends.hi,
            "seconds": alone.seconds, "seconds_alpha_ac2_raw": three.seconds,
        })
    );
    Ok(())
}

/// Ratings 1 to 5 that cluster high, as filtered pairs do; raters differ by noise; a fifth missing.
fn ratings() -> Vec<Vec<Option<f64>>> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let mut unit = move || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    (0..ITEMS)
        .map(|_| {
            let truth = 2.0 + 3.0 * unit().sqrt();
            (0..RATERS)
                .map(|_| {
                    let noise = unit() + unit() - 1.0;
                    let score = (truth + 1.5 * noise).round().clamp(1.0, 5.0);
                    (unit() >= 0.2).then_some(score)
                })
                .collect()
        })
        .collect()
}
