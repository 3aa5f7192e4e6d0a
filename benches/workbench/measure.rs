//! What the reads of the list of samples cost on a filled workspace.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use polyculture::domain::QuestionId;
use polyculture::store::{
    Access, DecisionKind, PageFrom, Reader, SampleFilter, SampleOrder, StoreError, Workspace,
};

/// Rows of a page: more than a screen shows.
const PAGE: u32 = 50;

fn median_ms(mut f: impl FnMut() -> Result<(), StoreError>) -> Result<f64> {
    let mut ms = Vec::new();
    for _ in 0..9 {
        let start = Instant::now();
        f()?;
        ms.push(start.elapsed().as_secs_f64() * 1e3);
    }
    ms.sort_by(f64::total_cmp);
    Ok(ms[ms.len() / 2])
}

fn row(name: &str, of: &str, f: impl FnMut() -> Result<(), StoreError>) -> Result<()> {
    println!("{name:<34} {of:<24} {:>9.3} ms", median_ms(f)?);
    Ok(())
}

fn pages(reader: Reader<'_>, name: &str, filter: &SampleFilter, order: SampleOrder) -> Result<()> {
    let of = format!("{order:?}");
    let page = |from| reader.samples_page(filter, order, from, PAGE);
    let mut middle = page(PageFrom::First)?.last().context("an empty list")?.cursor();
    // walk into the list, so that the cursor stands deep in it
    for _ in 0..40 {
        let after = reader.samples_page(filter, order, PageFrom::After(middle), 500)?;
        middle = after.last().map_or(middle, polyculture::store::SampleRow::cursor);
    }
    for (what, from) in [
        ("first page", PageFrom::First),
        ("last page", PageFrom::Last),
        ("page after", PageFrom::After(middle)),
        ("page before", PageFrom::Before(middle)),
    ] {
        row(&format!("{name}: {what}"), &of, || page(from).map(drop))?;
    }
    row(&format!("{name}: position"), &of, || {
        reader.samples_before(filter, order, middle).map(drop)
    })
}

/// Prints the medians of nine runs each.
pub fn measure(dir: &Path) -> Result<()> {
    let ws = Workspace::open(dir, Access::Read)?;
    let r = ws.read();
    let base = SampleFilter::default;
    let seed = r.survey()?.questions.first().map(|q| q.id.clone());
    let seed = seed.map_or_else(|| QuestionId::new("Q27"), Ok)?;
    let kept = SampleFilter { decision: Some(DecisionKind::Kept), ..base() };
    let of_seed = SampleFilter { seed: Some(seed), ..base() };
    let words = SampleFilter { words: Some("κάθε ΓΕΊΤΟΝΑΣ".into()), ..base() };
    let rare = SampleFilter { words: Some("nowhere-to-be-found".into()), ..base() };
    let threshold = SampleFilter { by_threshold: true, ..base() };
    println!("{} samples", r.count_samples(&base())?);
    for (name, filter) in [("all", &base()), ("kept", &kept), ("one seed", &of_seed)] {
        pages(r, name, filter, SampleOrder::Arrival)?;
        pages(r, name, filter, SampleOrder::SimilarityDown)?;
        row(&format!("{name}: histogram"), "40 bins", || {
            r.similarity_histogram(filter, 40).map(drop)
        })?;
        row(&format!("{name}: at least"), "0.8", || r.count_at_least(filter, 0.8).map(drop))?;
        row(&format!("{name}: counts"), "by fate", || r.sample_counts(filter).map(drop))?;
    }
    row("by threshold: histogram", "40 bins", || r.similarity_histogram(&threshold, 40).map(drop))?;
    row("by threshold: at least", "0.8", || r.count_at_least(&threshold, 0.8).map(drop))?;
    row("words: first page", "frequent", || {
        r.samples_page(&words, SampleOrder::Arrival, PageFrom::First, PAGE).map(drop)
    })?;
    row("words: count", "frequent", || r.count_samples(&words).map(drop))?;
    row("words: first page", "found nowhere", || {
        r.samples_page(&rare, SampleOrder::Arrival, PageFrom::First, PAGE).map(drop)
    })
}
