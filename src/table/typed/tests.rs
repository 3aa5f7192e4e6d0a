use proptest::prelude::*;

use super::*;

fn column(name: &str, kind: Kind) -> Column {
    Column { name: name.into(), kind, about: format!("what {name} means") }
}

fn table(rows: Vec<Vec<Cell>>) -> TypedTable {
    TypedTable {
        about: "one row a thing".into(),
        columns: vec![
            column("word", Kind::Text),
            column("n", Kind::Int),
            column("x", Kind::Double),
            column("yes", Kind::Bool),
            column("at", Kind::Time),
        ],
        rows,
    }
}

fn written(t: &TypedTable, form: TableForm) -> Vec<u8> {
    let mut out = Vec::new();
    t.write(form, &mut out).unwrap();
    out
}

fn back(t: &TypedTable) -> (Vec<String>, Vec<Vec<Cell>>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    std::fs::write(&path, written(t, TableForm::Parquet)).unwrap();
    read_parquet(&path).unwrap()
}

#[test]
fn what_is_no_parquet_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    assert!(read_parquet(&path).is_err(), "no file");
    for bytes in [&b""[..], b"PAR1", b"rater,item\n", b"PAR1aaaaaaaaaaaaaaaaPAR1"] {
        std::fs::write(&path, bytes).unwrap();
        assert!(read_parquet(&path).is_err(), "{bytes:?}");
    }
    let mut cut = written(&table(vec![vec![Cell::Null; 5]]), TableForm::Parquet);
    cut.truncate(cut.len() - 9);
    std::fs::write(&path, cut).unwrap();
    assert!(read_parquet(&path).is_err(), "a file cut short");
}

#[test]
fn an_empty_table_has_its_columns() {
    let (names, rows) = back(&table(Vec::new()));
    assert_eq!(names, ["word", "n", "x", "yes", "at"]);
    assert!(rows.is_empty());
    let csv = String::from_utf8(written(&table(Vec::new()), TableForm::Csv)).unwrap();
    assert_eq!(csv, "word,n,x,yes,at\n");
}

#[test]
fn cells_of_a_csv_that_a_spreadsheet_would_run_are_disarmed_and_no_others() {
    for armed in ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "=cmd|' /C calc'!A0", "＝1"] {
        assert_eq!(spreadsheet_safe(armed), format!("'{armed}"), "{armed:?}");
    }
    for plain in ["", "a=1", "'quoted", "\u{645}\u{631}\u{62d}\u{628}\u{627}", "3 - 1", "(-1)", "—"]
    {
        assert_eq!(spreadsheet_safe(plain), plain);
    }
    let row = vec![
        Cell::Text("=HYPERLINK(\"x\",\"y\")".into()),
        Cell::Int(-3),
        Cell::Double(-0.5),
        Cell::Bool(true),
        Cell::Null,
    ];
    let t = table(vec![row]);
    let csv = String::from_utf8(written(&t, TableForm::Csv)).unwrap();
    assert!(csv.ends_with("\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\",-3,-0.5,true,\n"), "{csv}");
    let json = String::from_utf8(written(&t, TableForm::Jsonl)).unwrap();
    assert!(json.starts_with("{\"word\":\"=HYPERLINK(\\\"x\\\""), "JSON keeps the text: {json}");
    assert_eq!(back(&t).1[0][0], t.rows[0][0], "Parquet keeps the text");
}

#[test]
fn the_codebook_has_a_line_for_every_column() {
    let t = table(Vec::new());
    let book = codebook(&t);
    for c in &t.columns {
        assert!(book.contains(&format!("\n{}: {} [{}]\n", c.name, c.about, c.kind.words())));
    }
}

#[test]
fn more_rows_than_a_group_read_back() {
    let rows = (0..70_000).map(|n| {
        let word = (n % 3 > 0).then(|| format!("w{}", n % 100));
        vec![Cell::text(word), Cell::Int(n), Cell::Null, Cell::Bool(n % 2 == 0), Cell::Null]
    });
    let t = table(rows.collect());
    let (_, rows) = back(&t);
    assert!(rows == t.rows, "70,000 rows in two groups");
}

fn cells() -> impl Strategy<Value = Vec<Cell>> {
    let time = 0i64..4_000_000_000_000_000;
    (
        proptest::option::of(".*"),
        proptest::option::of(any::<i64>()),
        proptest::option::of(any::<f64>()),
        proptest::option::of(any::<bool>()),
        proptest::option::of(time),
    )
        .prop_map(|(word, n, x, yes, at)| {
            let at = at.and_then(|t| jiff::Timestamp::from_microsecond(t).ok());
            vec![Cell::text(word), Cell::int(n), Cell::double(x), Cell::bool(yes), Cell::time(at)]
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_table_reads_back_cell_by_cell(rows in proptest::collection::vec(cells(), 0..20)) {
        let t = table(rows);
        prop_assert_eq!(back(&t).1, t.rows);
    }
}
