//! Our side of `benches/study_oracles/run.py`: reads studies, one JSON object a line, and writes for
//! each the value of every statistic, or why it has none.
//!
//! A study: `{"rows": [[4, null, 5], ..], "judge": [4, ..], "epsilon": 0.15, "accuracy": false,
//! "min_units": 30, "x": [0.8, ..]}`. Argument: a file; stdin without one. `--power` prints the
//! milliseconds that the power of a plan of 1,000 items takes instead.

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::time::Instant;

use polyculture::domain::StudyType;
use polyculture::stats::Undefined;
use polyculture::stats::agreement::{
    Coefficient, Ratings, coefficient, components, icc, pairwise_kappa,
};
use polyculture::stats::altest::{AltTestSpec, Scoring, alternative_annotator};
use polyculture::stats::bootstrap::Resampling;
use polyculture::stats::correlation::{kendall_tau_b, spearman};
use polyculture::stats::isotonic::isotonic;
use polyculture::study::{PowerDesign, Spread, power};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct Study {
    rows: Vec<Vec<Option<f64>>>,
    judge: Vec<Option<f64>>,
    epsilon: f64,
    accuracy: bool,
    min_units: usize,
    x: Vec<f64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().skip(1).find(|a| a != "--bench");
    if file.as_deref() == Some("--power") {
        return time_power();
    }
    let input: Box<dyn Read> = match file {
        Some(path) => Box::new(std::fs::File::open(path)?),
        None => Box::new(std::io::stdin()),
    };
    for line in BufReader::new(input).lines() {
        println!("{}", Value::Object(values(&serde_json::from_str(&line?)?)?));
    }
    Ok(())
}

/// Nine runs of a plan of 1,000 items, k = 3, 50 raters, 90 seeds.
fn time_power() -> Result<(), Box<dyn Error>> {
    let study_type = StudyType::Similarity;
    let design = PowerDesign {
        items: 1000,
        k: 3,
        anchors: 20,
        raters: 50,
        anchor_raters: 50,
        seeds: 90,
        study_type,
        spread: Spread::default_of(study_type),
        seed: 1,
    };
    let mut all: Vec<f64> = (0..9)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(power(&design));
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    all.sort_by(f64::total_cmp);
    println!("{}", json!({"median_ms": all[4], "longest_ms": all[8], "power": power(&design)}));
    Ok(())
}

fn put(out: &mut Map<String, Value>, name: &str, value: Result<f64, Undefined>) {
    let value = value.map_or_else(|why| json!(why.to_string()), |v| json!(v));
    out.insert(name.to_owned(), value);
}

fn values(study: &Study) -> Result<Map<String, Value>, Box<dyn Error>> {
    let mut out = Map::new();
    let ratings = Ratings::from_rows(Some(&[1.0, 2.0, 3.0, 4.0, 5.0]), &study.rows)?;
    for which in Coefficient::ALL {
        put(&mut out, which.name(), coefficient(&ratings, which));
    }
    let whole = icc(&ratings);
    let form = |of: fn(&polyculture::stats::agreement::Icc) -> f64| whole.clone().map(|i| of(&i));
    put(&mut out, "icc1", form(|i| i.icc1));
    put(&mut out, "icc2", form(|i| i.icc2));
    put(&mut out, "icc3", form(|i| i.icc3));
    put(&mut out, "icc1k", form(|i| i.icc1k));
    put(&mut out, "icc2k", form(|i| i.icc2k));
    put(&mut out, "icc3k", form(|i| i.icc3k));
    let crossed = components(&ratings);
    put(&mut out, "crossed-units", crossed.clone().map(|c| c.units));
    put(&mut out, "crossed-raters", crossed.clone().map(|c| c.raters));
    put(&mut out, "crossed-rest", crossed.clone().map(|c| c.rest));
    put(&mut out, "crossed-icc2", crossed.clone().and_then(|c| c.icc_single()));
    put(&mut out, "crossed-icc2k", crossed.and_then(|c| c.icc_mean()));
    let clusters: Vec<usize> = (0..study.rows.len()).collect();
    let once = Resampling { draws: 1, ..Resampling::default() };
    for kappa in pairwise_kappa(&ratings, &clusters, "item", &once)? {
        put(&mut out, kappa.weights.name(), kappa.estimate.map(|e| e.value));
    }
    // the first rater's scores beside the judge's
    let (a, b): (Vec<f64>, Vec<f64>) = (study.rows.iter().zip(&study.judge))
        .filter_map(|(row, judge)| Some((row.first().copied().flatten()?, (*judge)?)))
        .unzip();
    put(&mut out, "spearman", spearman(&a, &b));
    put(&mut out, "kendall", kendall_tau_b(&a, &b));
    let scoring = if study.accuracy { Scoring::Accuracy } else { Scoring::NegRmse };
    let spec = AltTestSpec {
        epsilon: study.epsilon,
        min_units: study.min_units,
        min_people: 1,
        scoring,
        ..AltTestSpec::default()
    };
    let test = alternative_annotator(&study.rows, &study.judge, &spec);
    put(&mut out, "alt-winning-rate", test.clone().map(|t| t.winning_rate));
    put(&mut out, "alt-advantage", test.clone().map(|t| t.advantage));
    if let Ok(t) = test {
        for person in &t.people {
            out.insert(format!("alt-p-{}", person.person), json!(person.p));
        }
    }
    let means: Vec<(f64, f64, f64)> = (study.rows.iter().zip(&study.x))
        .filter_map(|(row, x)| {
            let given: Vec<f64> = row.iter().filter_map(|s| *s).collect();
            let n = given.len() as f64;
            (n > 0.0).then(|| (*x, given.iter().sum::<f64>() / n, n))
        })
        .collect();
    let column = |of: fn(&(f64, f64, f64)) -> f64| means.iter().map(of).collect::<Vec<f64>>();
    let curve = isotonic(&column(|m| m.0), &column(|m| m.1), &column(|m| m.2));
    if let Ok(curve) = curve {
        out.insert("isotonic".into(), json!(curve));
    }
    Ok(out)
}
