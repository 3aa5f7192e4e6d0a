//! Pages, positions and histograms against a list held in memory.

use super::*;

const ORDERS: [SampleOrder; 3] =
    [SampleOrder::Arrival, SampleOrder::SimilarityUp, SampleOrder::SimilarityDown];

fn filled(dir: &Path, n: usize) -> Workspace {
    let mut ws = workspace(dir);
    let all: Vec<Sample> = (0..n).map(sample).collect();
    ws.write(|tx| tx.put_samples(&all)).unwrap();
    ws
}

fn filters() -> Vec<SampleFilter> {
    let base = SampleFilter::default;
    vec![
        base(),
        SampleFilter { decision: Some(DecisionKind::Kept), ..base() },
        SampleFilter { seed: Some(QuestionId::new("Q28").unwrap()), ..base() },
        SampleFilter {
            seed: Some(QuestionId::new("Q28").unwrap()),
            decision: Some(DecisionKind::Rejected),
            ..base()
        },
        SampleFilter { run: Some("run-1".into()), min_similarity: Some(0.3), ..base() },
        SampleFilter { by_threshold: true, max_similarity: Some(0.5), ..base() },
        SampleFilter { words: Some("NUMBER Q27 kept".into()), ..base() },
        SampleFilter { words: Some("nowhere".into()), ..base() },
    ]
}

/// The whole list by the plainest means.
fn list(ws: &Workspace, filter: &SampleFilter, order: SampleOrder) -> Vec<SampleRow> {
    let wanted: Vec<SampleId> =
        ws.read().all_samples(filter).unwrap().into_iter().map(|s| s.id).collect();
    let mut rows: Vec<SampleRow> =
        wanted.iter().map(|id| ws.read().sample(id).unwrap().unwrap()).collect();
    let similarity = |r: &SampleRow| r.sample.similarity.map_or(-2.0, Similarity::get);
    rows.sort_by(|a, b| match order {
        SampleOrder::Arrival => a.row.cmp(&b.row),
        SampleOrder::SimilarityUp => {
            similarity(a).total_cmp(&similarity(b)).then(a.row.cmp(&b.row))
        }
        SampleOrder::SimilarityDown => {
            similarity(b).total_cmp(&similarity(a)).then(b.row.cmp(&a.row))
        }
    });
    rows
}

#[test]
fn a_page_from_anywhere_is_that_stretch_of_the_list() {
    let dir = folder();
    let ws = filled(dir.path(), 61);
    for filter in filters() {
        for order in ORDERS {
            let all = list(&ws, &filter, order);
            let page = |from, limit| ws.read().samples_page(&filter, order, from, limit).unwrap();
            assert_eq!(page(PageFrom::First, 7), all[..all.len().min(7)], "{filter:?} {order:?}");
            assert_eq!(page(PageFrom::Last, 7), all[all.len().saturating_sub(7)..]);
            assert_eq!(page(PageFrom::First, 0), []);
            assert_eq!(page(PageFrom::Last, 1000), all);
            for (i, row) in all.iter().enumerate() {
                let c = row.cursor();
                assert_eq!(page(PageFrom::At(c), 5), all[i..all.len().min(i + 5)]);
                assert_eq!(page(PageFrom::After(c), 5), all[i + 1..all.len().min(i + 6)]);
                assert_eq!(page(PageFrom::Before(c), 5), all[i.saturating_sub(5)..i]);
                assert_eq!(ws.read().samples_before(&filter, order, c).unwrap(), i as u64);
            }
        }
    }
}

#[test]
fn a_histogram_holds_every_similarity_once_and_agrees_with_a_threshold() {
    let dir = folder();
    let mut ws = filled(dir.path(), 61);
    let mut odd = sample(100);
    odd.similarity = Some(Similarity::new(-0.5).unwrap());
    ws.write(|tx| tx.put_samples(&[odd])).unwrap();
    for filter in filters() {
        let all = list(&ws, &filter, SampleOrder::Arrival);
        let with: Vec<f64> =
            all.iter().filter_map(|r| r.sample.similarity).map(Similarity::get).collect();
        assert_eq!(ws.read().similarity_histogram(&filter, 0).unwrap(), Vec::<u64>::new());
        let bins = ws.read().similarity_histogram(&filter, 4).unwrap();
        assert_eq!(bins.iter().sum::<u64>(), with.len() as u64, "{filter:?}");
        for (threshold, from) in [(0.25, 1), (0.5, 2), (0.75, 3)] {
            let kept = with.iter().filter(|s| **s >= threshold).count() as u64;
            assert_eq!(ws.read().count_at_least(&filter, threshold).unwrap(), kept);
            assert_eq!(bins[from..].iter().sum::<u64>(), kept);
        }
    }
}

#[test]
fn words_are_looked_for_in_text_seed_fate_and_culture_in_every_case() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    ws.write(|tx| tx.put_survey(&survey())).unwrap();
    let mut arabic = sample(2);
    arabic.language = "ar".into();
    arabic.text = "الواجب نحو المجتمع".into();
    let mut greek = sample(3);
    greek.language = "el".into();
    greek.text = "Το Καθήκον προς την κοινωνία".into();
    ws.write(|tx| tx.put_samples(&[arabic, greek, sample(5)])).unwrap();
    let n = |words: &str| {
        let filter = SampleFilter { words: Some(words.into()), ..SampleFilter::default() };
        ws.read().count_samples(&filter).unwrap()
    };
    assert_eq!(n(""), 3);
    assert_eq!(n("  "), 3);
    assert_eq!(n("arabic"), 1, "the name of a culture of that language");
    assert_eq!(n("ARABIC الواجب"), 1);
    assert_eq!(n("arabic καθήκον"), 0);
    assert_eq!(n("ΚΑΘΉΚΟΝ κοινωνία"), 1);
    assert_eq!(n("rejected quotes"), 1);
    assert_eq!(n("% _"), 1, "no character is a pattern");
    assert_eq!(n("q27"), 1);
}

#[test]
fn a_long_read_is_stopped_from_another_thread_and_the_connection_lives_on() {
    let dir = folder();
    let ws = filled(dir.path(), 300);
    let stop = ws.interrupter();
    // every row against many words: long enough to be caught, by design of the loop below
    let filter =
        SampleFilter { words: Some("text number sure ".repeat(30)), ..SampleFilter::default() };
    let over = std::sync::atomic::AtomicBool::new(false);
    let stopped = std::thread::scope(|s| {
        s.spawn(|| {
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                stop.stop();
                std::thread::yield_now();
            }
        });
        let until = std::time::Instant::now() + std::time::Duration::from_mins(1);
        let mut stopped = false;
        while !stopped && std::time::Instant::now() < until {
            stopped =
                matches!(ws.read().count_samples(&filter), Err(StoreError::Interrupted { .. }));
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        stopped
    });
    assert!(stopped);
    assert_eq!(ws.read().count_samples(&filter).unwrap(), 300);
}

#[test]
fn a_read_that_is_not_wanted_any_more_ends_and_the_next_one_does_not() {
    let dir = folder();
    let mut ws = filled(dir.path(), 300);
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    ws.stop_reads_when(Some(std::sync::Arc::clone(&stop))).unwrap();
    let filter = SampleFilter { words: Some("text number".into()), ..SampleFilter::default() };
    let ended = ws.read().count_samples(&filter);
    assert!(matches!(ended, Err(StoreError::Interrupted { .. })), "{ended:?}");
    stop.store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(ws.read().count_samples(&filter).unwrap(), 300);
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    ws.stop_reads_when(None).unwrap();
    assert_eq!(ws.read().count_samples(&filter).unwrap(), 300);
}
