//! All charts at once: whatever the data and the size, something honest is drawn.

use proptest::prelude::*;

use super::*;

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10f64..10.0,
        1 => prop::sample::select(vec![
            0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e308, f64::MAX, 5e-324, 1.0,
        ]),
    ]
}

fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ]{0,20}",
        prop::sample::select(vec![
            "العربية".to_owned(),
            "বাংলা ভাষা".into(),
            "中文中文中文".into(),
            "👨‍👩‍👧 <b>&\u{1b}[31m\u{202e}".into(),
            "a\nb\u{0}\u{ffff}|".into(),
        ]),
    ]
}

fn charts() -> impl Strategy<Value = Chart> {
    let values = || prop::collection::vec(any_value(), 0..12);
    let points = prop::collection::vec((any_value(), any_value()), 0..40);
    let series = (label(), points, 0usize..20, any::<bool>())
        .prop_map(|(name, points, style, faint)| Series { name, points, style, faint });
    let line = (label(), label(), prop::collection::vec(series, 0..5), any::<bool>(), values());
    let bar = (label(), any_value(), prop::option::of((any_value(), any_value())), label())
        .prop_map(|(label, value, interval, note)| Bar { label, value, interval, note, style: 9 });
    let group = (label(), prop::option::of(values()), label())
        .prop_map(|(label, shares, note)| Group { label, shares, note, style: 3 });
    let heat_cell = (prop::option::of(any_value()), label()).prop_map(|(value, mark)| HeatCell {
        value,
        text: String::new(),
        mark,
    });
    let heat_row = (label(), prop::collection::vec(heat_cell, 0..6));
    let labels = || prop::collection::vec(label(), 0..6);
    prop_oneof![
        line.prop_map(|(title, x_label, series, log_y, marks)| Chart::Line(LineChart {
            y_label: x_label.clone(),
            markers: marks.iter().map(|x| Marker { x: *x, label: title.clone() }).collect(),
            title,
            x_label,
            series,
            log_y,
        })),
        (label(), prop::collection::vec(bar, 0..9), prop::option::of(any_value())).prop_map(
            |(title, rows, max)| Chart::Bars(BarChart { unit: title.clone(), title, rows, max })
        ),
        (label(), labels(), prop::collection::vec(group, 0..6), any::<bool>()).prop_map(
            |(title, options, rows, stacked)| Chart::Distribution(Distribution {
                title,
                options,
                rows,
                stacked
            })
        ),
        (label(), values(), prop::option::of(any_value()), 0usize..20).prop_map(
            |(title, values, mark, bins)| Chart::Histogram(Histogram {
                x_label: title.clone(),
                title,
                mark,
                ..Histogram::of(&values, bins)
            })
        ),
        (label(), values(), prop::collection::vec(any::<u64>(), 0..12)).prop_map(
            |(title, edges, counts)| Chart::Histogram(Histogram {
                title,
                edges,
                counts,
                ..Histogram::default()
            })
        ),
        (label(), labels(), prop::collection::vec(heat_row, 0..6), prop::option::of(any_value()))
            .prop_map(|(title, columns, rows, middle)| Chart::Heat(HeatTable {
                note: title.clone(),
                unit: title.clone(),
                title,
                columns,
                rows,
                scale: middle.map_or(HeatScale::Sequential, HeatScale::Diverging),
                range: middle.map(|m| (m, 1.0)),
            })),
        (
            label(),
            labels(),
            prop::collection::vec((label(), values()), 0..4),
            any_value(),
            any_value()
        )
            .prop_map(|(title, axes, series, min, max)| Chart::Radar(Radar {
                title,
                axes,
                series,
                min,
                max
            })),
        (label(), labels(), prop::collection::vec((label(), values()), 0..4)).prop_map(
            |(title, places, series)| Chart::Intervals(Intervals {
                x_label: title.clone(),
                y_label: title.clone(),
                title,
                places,
                series: series
                    .into_iter()
                    .enumerate()
                    .map(|(style, (name, values))| IntervalSeries {
                        name,
                        style,
                        points: values
                            .chunks(3)
                            .map(|v| {
                                let interval = v.get(1).copied().zip(v.get(2).copied());
                                Some(IntervalPoint { value: v[0], interval, n: 3 })
                            })
                            .collect(),
                    })
                    .collect(),
            })
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn cells_are_as_many_as_asked_and_safe_to_print(
        chart in charts(), width in 0u16..90, height in 0u16..40, plain in any::<bool>()
    ) {
        let glyphs = if plain { Glyphs::Ascii } else { Glyphs::Braille };
        let canvas = chart.cells(width, height, glyphs);
        prop_assert_eq!(canvas.cells.len(), usize::from(height));
        for row in &canvas.cells {
            prop_assert_eq!(row.len(), usize::from(width));
            let text: String = row.iter().map(|c| c.text.as_ref()).collect();
            prop_assert!(!text.chars().any(char::is_control));
            for c in row {
                if let Role::Heat(t) | Role::Diverging(t) = c.role {
                    prop_assert!((0.0..=1.0).contains(&t));
                }
            }
        }
    }

    #[test]
    fn drawings_are_well_formed_and_hold_no_markup_of_the_data(
        chart in charts(), w in 0u32..900, h in 0u32..600
    ) {
        let svg = chart.svg((w, h), &Palette::LIGHT);
        prop_assert!(!svg.contains("<b>") && !svg.contains("NaN\"") && !svg.contains("inf\""));
        let options = resvg::usvg::Options::default();
        if let Err(e) = resvg::usvg::Tree::from_str(&svg, &options) {
            return Err(TestCaseError::fail(format!("{e}\n{svg}")));
        }
        let _ = (chart.csv(), chart.markdown(), chart.title());
    }
}

fn loss() -> LineChart {
    let points: Vec<_> =
        (0..400).map(f64::from).map(|x| (x, 3.0 * (-x / 90.0).exp() + 0.4)).collect();
    let noisy: Vec<_> =
        points.iter().map(|&(x, y)| (x, y + 0.3 * (x * 1.7).sin() * (x * 0.31).cos())).collect();
    let eval: Vec<_> = points.iter().step_by(40).map(|&(x, y)| (x, y + 0.25)).collect();
    LineChart {
        title: "Loss".into(),
        x_label: "step".into(),
        y_label: "loss (nats)".into(),
        series: vec![
            Series { name: "train, raw".into(), points: noisy.clone(), style: 0, faint: true },
            Series { name: "train".into(), points: smooth(&noisy, 0.9), style: 0, faint: false },
            Series { name: "eval".into(), points: eval, style: 1, faint: false },
        ],
        log_y: false,
        markers: vec![Marker { x: 320.0, label: "best".into() }],
    }
}

#[test]
fn a_loss_curve_in_letters() {
    insta::assert_snapshot!(loss().cells(60, 14, Glyphs::Ascii).to_text());
}

#[test]
fn a_loss_curve_in_braille() {
    insta::assert_snapshot!(loss().cells(60, 14, Glyphs::Braille).to_text());
}

#[test]
fn a_loss_curve_in_twenty_by_six() {
    insta::assert_snapshot!(loss().cells(20, 6, Glyphs::Braille).to_text());
}

#[test]
fn a_nan_breaks_the_curve_and_is_counted() {
    let mut chart = loss();
    chart.series.truncate(2);
    chart.series[1].points[200].1 = f64::NAN;
    chart.series[1].points[201].1 = f64::INFINITY;
    let text = chart.cells(80, 14, Glyphs::Braille).to_text();
    assert!(text.contains("× 2 not drawn: NaN or infinite"), "{text}");
    let svg = chart.svg((600, 300), &Palette::LIGHT);
    assert!(svg.contains("2 not drawn"), "{svg}");
    // The smoothed curve is in two pieces, the raw one behind it in one.
    assert_eq!(svg.matches("<polyline").count(), 3);
}

#[test]
fn bars_with_intervals_notes_and_a_value_that_is_none() {
    let bar = |label: &str, value, interval, note: &str| Bar {
        label: label.into(),
        value,
        interval,
        note: note.into(),
        style: 0,
    };
    let chart = BarChart {
        title: "Agreement".into(),
        unit: "alpha".into(),
        rows: vec![
            bar("perceptual similarity", 0.71, Some((0.62, 0.79)), "n=120"),
            bar("중국어 라벨", 0.5, Some((0.45, 0.9)), "n=8"),
            bar("العربية", f64::NAN, None, "no rating"),
        ],
        max: Some(1.0),
    };
    insta::assert_snapshot!(chart.cells(70, 5, Glyphs::Braille).to_text());
    insta::assert_snapshot!(chart.cells(30, 3, Glyphs::Ascii).to_text());
}

#[test]
fn bars_below_zero_hang_from_the_same_line() {
    let rows = [0.4, -0.2, 0.0].map(|value| Bar { label: "x".into(), value, ..Bar::default() });
    let chart = BarChart { rows: rows.to_vec(), ..BarChart::default() };
    insta::assert_snapshot!(chart.cells(40, 3, Glyphs::Braille).to_text());
}

fn answers() -> Distribution {
    let group = |label: &str, shares, note: &str| Group {
        label: label.into(),
        shares,
        note: note.into(),
        style: 0,
    };
    Distribution {
        title: "Q27 How important is family?".into(),
        options: ["Very", "Rather", "Not very", "Not at all"].map(String::from).to_vec(),
        rows: vec![
            group("arabic", Some(vec![0.9, 0.08, 0.016, 0.004]), "n=1200"),
            group("bengali", Some(vec![0.7, 0.2, 0.1, 0.0]), "n=900"),
            group("chinese", None, ""),
        ],
        stacked: false,
    }
}

#[test]
fn answers_stand_option_below_option_and_not_asked_is_said() {
    insta::assert_snapshot!(answers().cells(80, 6, Glyphs::Braille).to_text());
}

#[test]
fn narrow_answers_are_stacked_with_the_numbers_of_their_options() {
    insta::assert_snapshot!(answers().cells(32, 7, Glyphs::Braille).to_text());
    insta::assert_snapshot!(answers().cells(32, 7, Glyphs::Ascii).to_text());
}

#[test]
fn a_histogram_with_a_threshold() {
    let values: Vec<f64> = (0..1000).map(|i| (f64::from(i) / 1000.0).sqrt()).collect();
    let chart = Histogram {
        title: "Similarity, n=1000".into(),
        x_label: "cosine".into(),
        mark: Some(0.8),
        ..Histogram::of(&values, 20)
    };
    insta::assert_snapshot!(chart.cells(60, 12, Glyphs::Braille).to_text());
    insta::assert_snapshot!(chart.cells(60, 12, Glyphs::Ascii).to_text());
    assert_eq!(chart.counts.iter().sum::<u64>(), 1000);
}

#[test]
fn a_heat_table_keeps_its_numbers_and_counts_what_is_hidden() {
    let cell = |v: f64, mark: &str| HeatCell {
        value: Some(v),
        text: format!("{v:.2}"),
        mark: mark.into(),
    };
    let chart = HeatTable {
        title: "Leaderboard".into(),
        unit: "1 - JSD".into(),
        columns: ["arabic", "bengali", "chinese", "english"].map(String::from).to_vec(),
        rows: vec![
            (
                "tiny-all".into(),
                vec![cell(0.81, "*"), cell(0.7, ""), cell(0.9, "**"), cell(0.6, "")],
            ),
            ("uniform".into(), vec![cell(0.5, ""), HeatCell::default()]),
        ],
        note: "* p < 0.05 against uniform, Holm".into(),
        ..HeatTable::default()
    };
    insta::assert_snapshot!(chart.cells(60, 6, Glyphs::Braille).to_text());
    insta::assert_snapshot!(chart.cells(30, 3, Glyphs::Braille).to_text());
    insta::assert_snapshot!(chart.markdown());
}

#[test]
fn a_radar_is_a_list_where_it_cannot_be_a_circle() {
    let chart = Radar {
        title: "Scores".into(),
        axes: ["arabic", "bengali", "chinese", "german", "greek"].map(String::from).to_vec(),
        series: vec![
            ("tiny".into(), vec![0.9, 0.5, 0.7, 0.8, 0.3]),
            ("base".into(), vec![0.4, 0.4, f64::NAN, 0.5, 0.5]),
        ],
        min: 0.0,
        max: 1.0,
    };
    insta::assert_snapshot!(chart.cells(60, 20, Glyphs::Braille).to_text());
    insta::assert_snapshot!(chart.cells(30, 8, Glyphs::Ascii).to_text());
    assert!(chart.csv().contains("chinese,0.7,\n"));
}
