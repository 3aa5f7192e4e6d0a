//! Sentences per second of the embedded encoder. `benches/encoder/run.py` runs this and
//! sentence-transformers on the same sentences and compares the vectors.
//!
//! Arguments: `--model DIR --texts FILE` (one a line) `--out FILE` (vectors, f32, little endian)
//! `--runs N`. One JSON object on stdout.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use polyculture::embedded::encoder::Encoder;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut model, mut texts, mut out, mut runs) = (None, None, None, 3usize);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--model" => model = args.next().map(PathBuf::from),
            "--texts" => texts = args.next().map(PathBuf::from),
            "--out" => out = args.next().map(PathBuf::from),
            "--runs" => runs = args.next().ok_or("--runs takes a number")?.parse()?,
            "--bench" => {} // cargo bench adds it
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    let (Some(model), Some(texts)) = (model, texts) else {
        println!("nothing to do without --model and --texts: use benches/encoder/run.py");
        return Ok(());
    };
    let start = Instant::now();
    let encoder = Encoder::load(&model)?;
    let load = start.elapsed().as_secs_f64();
    let texts = std::fs::read_to_string(texts)?;
    let texts: Vec<&str> = texts.lines().collect();
    let tokens: usize = texts
        .iter()
        .map(|t| encoder.tokens(t).map(|ids| ids.len()))
        .collect::<Result<Vec<_>, _>>()?
        .iter()
        .sum();
    let mut vectors = encoder.embed(&texts[..texts.len().min(64)])?; // warm
    let mut seconds = Vec::new();
    for _ in 0..runs {
        let start = Instant::now();
        vectors = encoder.embed(&texts)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    if let Some(out) = out {
        let bytes: Vec<u8> = vectors.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(out, bytes)?;
    }
    println!(
        "{}",
        serde_json::json!({
            "sentences": texts.len(), "tokens": tokens, "dimension": encoder.dimension(),
            "load_seconds": load, "seconds": seconds,
        })
    );
    Ok(())
}
