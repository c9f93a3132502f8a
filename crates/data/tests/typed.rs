//! Parquet files and Arrow streams: typed columns are kept, and untyped columns get types.
#![allow(clippy::unwrap_used, clippy::panic)]

mod scratch;

use std::fs::{self, File};
use std::sync::Arc;

use arrow_array::builder::{Int32Builder, ListBuilder, StringBuilder, StringDictionaryBuilder};
use arrow_array::types::Int16Type;
use arrow_array::{
    ArrayRef, BinaryArray, Decimal128Array, Float32Array, Int64Array, LargeStringArray, RecordBatch, StringArray,
    StringViewArray, StructArray, TimestampMicrosecondArray,
};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{DataType, Field};
use newsdesk_data::{
    DataError, Format, ReadOptions, Remedy, Row, RowWriter, Source, Table, Value, create, finish_file, partial_writer,
    read, writer,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use scratch::{Scratch, read_all, read_until_broken, texts};

/// Returns articles with columns of many types, in two batches whose dictionaries differ.
fn batches() -> Vec<RecordBatch> {
    [["sport", "war"], ["war", "art"]].iter().enumerate().map(|(batch, desks)| rows_of(batch as i64, desks)).collect()
}

fn rows_of(batch: i64, desks: &[&str; 2]) -> RecordBatch {
    let mut dictionary = StringDictionaryBuilder::<Int16Type>::new();
    desks.iter().for_each(|desk| dictionary.append_value(desk));
    let mut lists = ListBuilder::new(Int32Builder::new());
    lists.append_value([Some(1), None]);
    lists.append_null();
    let field = |name: &str, kind| Arc::new(Field::new(name, kind, true));
    let nested = StructArray::from(vec![
        (field("city", DataType::Utf8), Arc::new(StringArray::from(vec![Some("Bonn"), None])) as ArrayRef),
        (field("n", DataType::Int64), Arc::new(Int64Array::from(vec![batch, 7])) as ArrayRef),
    ]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(vec![Some(batch), None]))),
        ("body", Arc::new(LargeStringArray::from(vec!["Goals were scored.", "Peace was made."]))),
        ("title", Arc::new(StringViewArray::from(vec![Some("A match of two long halves"), None]))),
        ("desk", Arc::new(dictionary.finish())),
        ("tags", Arc::new(lists.finish())),
        ("place", Arc::new(nested)),
        ("when", Arc::new(TimestampMicrosecondArray::from(vec![1, 1_700_000_000_000_000]).with_timezone("UTC"))),
        ("price", Arc::new(Decimal128Array::from(vec![1050, 3]).with_precision_and_scale(9, 2).unwrap())),
        ("weight", Arc::new(Float32Array::from(vec![0.1, f32::NAN]))),
        ("raw", Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..], b""]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn parquet(scratch: &Scratch, name: &str, batches: &[RecordBatch]) -> Source {
    let path = scratch.path(name);
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batches[0].schema(), None).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.close().unwrap();
    Source::File(path)
}

fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

/// Reads all rows of a file as one batch.
fn whole(path: &std::path::Path, format: Format) -> RecordBatch {
    let file = File::open(path).unwrap();
    let batches: Vec<RecordBatch> = match format {
        Format::Parquet => {
            ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().map(Result::unwrap).collect()
        }
        _ => StreamReader::try_new(file, None).unwrap().map(Result::unwrap).collect(),
    };
    arrow_select::concat::concat_batches(&batches[0].schema(), &batches).unwrap()
}

fn added() -> Vec<(String, Value)> {
    vec![("topic".into(), Value::Text("sport".into())), ("topic_score".into(), Value::Number(0.5))]
}

fn write(writer: &mut dyn RowWriter, table: Option<&Table>, rows: &[Row]) {
    writer.header(table, &added()).unwrap();
    rows.iter().for_each(|row| writer.write(row, &added()).unwrap());
}

#[test]
fn every_type_is_kept() {
    let scratch = Scratch::new();
    let original = arrow_select::concat::concat_batches(&batches()[0].schema(), &batches()).unwrap();
    let inputs = [
        parquet(&scratch, "a.parquet", &batches()),
        parquet(&scratch, "no suffix", &batches()),
        scratch.file("a.arrows", stream(&batches())),
        scratch.file("a.arrows.gz", scratch::gzip(&stream(&batches()))),
    ];
    for input in &inputs {
        for format in [Format::Parquet, Format::Arrow] {
            let (rows, rejects) = read_all(input, &ReadOptions::default());
            assert!(rejects.is_empty(), "{rejects:?}");
            assert_eq!(texts(&rows), ["Goals were scored.", "Peace was made."].repeat(2));
            assert_eq!(rows[0].article.title.as_deref(), Some("A match of two long halves"));
            assert_eq!((rows[3].position.row, rows[1].article.title.as_deref()), (4, None));
            let table = read(input, &ReadOptions::default()).unwrap().table().cloned();
            let path = scratch.path("out");
            let mut out = writer(format, create(&path).unwrap()).unwrap();
            write(out.as_mut(), table.as_ref(), &rows);
            out.end().unwrap();
            let back = whole(&path, format);
            assert_eq!(back.num_columns(), original.num_columns() + 2);
            for (column, field) in original.schema().fields().iter().enumerate() {
                let found = back.column_by_name(field.name()).unwrap();
                // Small keys are widened, because other rows may have more categories than they can count.
                let kind = match field.data_type() {
                    DataType::Dictionary(_, values) => DataType::Dictionary(Box::new(DataType::Int32), values.clone()),
                    kind => kind.clone(),
                };
                assert_eq!(*found.data_type(), kind, "{}", field.name());
                // The layout of a dictionary may change, but not its values.
                let texts = |array: &ArrayRef| match field.data_type() {
                    DataType::Dictionary(..) => arrow_cast::cast(array, &DataType::Utf8).unwrap(),
                    _ => array.clone(),
                };
                assert_eq!(&texts(found), &texts(original.column(column)), "{} as {format}", field.name());
            }
        }
    }
}

#[test]
fn feather_file_is_read_as_a_stream() {
    let scratch = Scratch::new();
    let batch = rows_of(1, &["sport", "war"]);
    let mut out = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    out.write(&batch).unwrap();
    out.finish().unwrap();
    let bytes = out.into_inner().unwrap();
    for name in ["a.feather", "no suffix"] {
        let (rows, _) = scratch.read(name, &bytes);
        assert_eq!(texts(&rows), ["Goals were scored.", "Peace was made."]);
    }
}

#[test]
fn typed_values_are_written_as_json_and_csv() {
    let scratch = Scratch::new();
    let (rows, _) = read_all(&parquet(&scratch, "a.parquet", &batches()[..1]), &ReadOptions::default());
    let text = |format| {
        let path = scratch.path("out");
        let mut out = writer(format, create(&path).unwrap()).unwrap();
        write(out.as_mut(), None, &rows);
        out.end().unwrap();
        fs::read_to_string(path).unwrap()
    };
    let json = concat!(
        r#"{"id":0,"body":"Goals were scored.","title":"A match of two long halves","desk":"sport","tags":[1,null],"#,
        r#""place":{"city":"Bonn","n":0},"when":"1970-01-01T00:00:00.000001Z","price":10.50,"weight":0.1,"raw":"00ff","#,
        r#""topic":"sport","topic_score":0.5}"#
    );
    assert_eq!(text(Format::JsonLines).lines().next(), Some(json));
    let fields = concat!(
        r#"0,Goals were scored.,A match of two long halves,sport,"[1,null]","{""city"":""Bonn"",""n"":0}","#,
        "1970-01-01T00:00:00.000001Z,10.50,0.1,00ff,sport,0.5"
    );
    assert_eq!(text(Format::Csv).lines().nth(1), Some(fields));
}

#[test]
fn json_lines_get_typed_columns_and_keep_their_values() {
    let scratch = Scratch::new();
    let lines = concat!(
        r#"{"id":9007199254740993,"text":"One.","ok":true,"n":1,"tags":["a"],"none":null,"mixed":1}"#,
        "\n",
        r#"{"id":2,"text":"Two.","n":1.5,"mixed":"x","late":"y"}"#,
        "\n"
    );
    let (rows, _) = scratch.read("a.jsonl", lines);
    let path = scratch.path("out");
    let mut out = writer(Format::Parquet, create(&path).unwrap()).unwrap();
    write(out.as_mut(), None, &rows);
    out.end().unwrap();
    let back = whole(&path, Format::Parquet);
    let types: Vec<String> = back.schema().fields().iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
    let expected = [
        "id Int64",
        "text Utf8",
        "ok Boolean",
        "n Float64",
        "tags Utf8",
        "none Utf8",
        "mixed Utf8",
        "late Utf8",
        "topic Utf8",
        "topic_score Float64",
    ];
    assert_eq!(types, expected);
    let (rows, _) = read_all(&Source::File(path), &ReadOptions::default());
    let shown =
        |row: &Row| row.columns.iter().map(|(_, cell)| cell.raw_text().into_owned()).collect::<Vec<_>>().join(" ");
    assert_eq!(shown(&rows[0]), r#"9007199254740993 "One." true 1.0 "[\"a\"]" null "1" null "sport" 0.5"#);
    assert_eq!(shown(&rows[1]), r#"2 "Two." null 1.5 null null "\"x\"" "y" "sport" 0.5"#);
}

#[test]
fn row_that_does_not_fit_is_rejected_and_not_written() {
    let scratch = Scratch::new();
    let line = |id: &str| format!("{{\"text\":\"An article.\",\"id\":{id}}}\n");
    let lines = line("1").repeat(512) + &line("\"x\"") + &line("2");
    let (rows, _) = scratch.read("a.jsonl", lines);
    let path = scratch.path("out");
    let mut out = writer(Format::Arrow, create(&path).unwrap()).unwrap();
    write(out.as_mut(), None, &rows[..512]);
    let error = out.write(&rows[512], &added()).unwrap_err();
    assert!(matches!(error, DataError::OtherType { .. }), "{error}");
    let reject = error.as_reject(&rows[512]).unwrap();
    assert_eq!(reject.cause, "the column `id` contains `\"x\"`, but its type in the output is Int64");
    out.write(&rows[513], &added()).unwrap();
    out.end().unwrap();
    assert_eq!(whole(&path, Format::Arrow).num_rows(), 513);
}

#[test]
fn continued_output_has_identical_bytes() {
    let scratch = Scratch::new();
    let input = scratch.file("a.arrows", stream(&batches()));
    let (rows, _) = read_all(&input, &ReadOptions::default());
    let table = read(&input, &ReadOptions::default()).unwrap().table().cloned();
    for format in [Format::Arrow, Format::Parquet] {
        let output = |name: &str, cut: Option<usize>| {
            let (partial, path) = (scratch.path(&format!("{name}.partial")), scratch.path(name));
            let (mut out, file) = partial_writer(format, &partial, &path, 0, None).unwrap();
            write(out.as_mut(), table.as_ref(), &rows[..2]);
            out.finish().unwrap();
            if let Some(cut) = cut {
                let length = file.metadata().unwrap().len();
                // Bytes after the last checkpoint are cut off.
                write(out.as_mut(), table.as_ref(), &rows[..cut]);
                out.finish().unwrap();
                (out, _) = partial_writer(format, &partial, &path, length, None).unwrap();
            }
            write(out.as_mut(), table.as_ref(), &rows[2..]);
            out.end().unwrap();
            drop(out);
            finish_file(format, &partial, &path).unwrap();
            assert!(!partial.exists());
            fs::read(path).unwrap()
        };
        assert!(output("whole", None) == output("cut", Some(1)), "{format}");
    }
}

#[test]
fn files_with_compatible_types_are_written_to_one_output() {
    let scratch = Scratch::new();
    let text = |values: Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let categories = |from: usize| -> ArrayRef {
        let mut values = StringDictionaryBuilder::<arrow_array::types::Int8Type>::new();
        (from..from + 100).for_each(|number| values.append_value(format!("desk {number}")));
        Arc::new(values.finish())
    };
    let many = |from| -> RecordBatch {
        RecordBatch::try_from_iter([("text", text(vec!["An article."; 100])), ("desk", categories(from))]).unwrap()
    };
    let (first, second) = (parquet(&scratch, "a.parquet", &[many(0)]), parquet(&scratch, "b.parquet", &[many(100)]));
    let lines = scratch.file("c.jsonl", "{\"text\":\"An article.\",\"desk\":\"another\"}\n");
    let path = scratch.path("out");
    let mut out = writer(Format::Parquet, create(&path).unwrap()).unwrap();
    out.header(read(&first, &ReadOptions::default()).unwrap().table(), &added()).unwrap();
    for source in [&first, &second, &lines] {
        for row in read_all(source, &ReadOptions::default()).0 {
            out.write(&row, &added()).unwrap();
        }
    }
    out.end().unwrap();
    assert_eq!(read_all(&Source::File(path), &ReadOptions::default()).0.len(), 201);

    let column = |name, values: ArrayRef| -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable([("text", text(vec!["One."]), true), (name, values, true)]).unwrap()
    };
    let fits = |first: ArrayRef, second: ArrayRef| {
        let (first, second) = (column("n", first), column("n", second));
        let [one, other] = [("first.parquet", first), ("second.parquet", second)]
            .map(|(name, batch)| read_all(&parquet(&scratch, name, &[batch]), &ReadOptions::default()).0.remove(0));
        let mut out = writer(Format::Arrow, Box::new(std::io::sink())).unwrap();
        out.write(&one, &[]).unwrap();
        out.write(&other, &[]).is_ok() && out.end().is_ok()
    };
    let int = |number| -> ArrayRef { Arc::new(Int64Array::from(vec![number])) };
    let small = || -> ArrayRef { Arc::new(arrow_array::Int32Array::from(vec![7])) };
    let nothing = || -> ArrayRef { Arc::new(arrow_array::NullArray::new(1)) };
    assert!(fits(int(1), small()) && fits(int(1), nothing()) && fits(nothing(), text(vec!["x"])));
    assert!(!fits(small(), int(1)) && !fits(text(vec!["x"]), int(1)));
}

#[test]
fn unsupported_parquet_type_is_an_error_before_the_first_row() {
    let scratch = Scratch::new();
    let interval =
        arrow_array::IntervalMonthDayNanoArray::from(vec![arrow_array::types::IntervalMonthDayNano::new(1, 2, 3)]);
    let columns: [(&str, ArrayRef); 2] =
        [("text", Arc::new(StringArray::from(vec!["One."]))), ("every", Arc::new(interval))];
    let input = scratch.file("a.arrows", stream(&[RecordBatch::try_from_iter(columns).unwrap()]));
    let table = read(&input, &ReadOptions::default()).unwrap().table().cloned();
    for path in [scratch.path("out.parquet"), scratch.path("out.partial")] {
        let mut out = match path.ends_with("out.partial") {
            true => partial_writer(Format::Parquet, &path, &scratch.path("o.parquet"), 0, None).unwrap().0,
            false => writer(Format::Parquet, create(&path).unwrap()).unwrap(),
        };
        let error = out.header(table.as_ref(), &added()).unwrap_err();
        assert!(matches!(&error, DataError::NoParquetType { column, .. } if column == "every"), "{error}");
    }
    let (rows, _) = read_all(&input, &ReadOptions::default());
    writer(Format::Arrow, Box::new(std::io::sink())).unwrap().write(&rows[0], &added()).unwrap();
}

#[test]
fn timestamps_that_cannot_be_formatted_stay_numbers() {
    let scratch = Scratch::new();
    let far = arrow_array::TimestampMillisecondArray::from(vec![i64::MAX / 2]);
    let nowhere = TimestampMicrosecondArray::from(vec![5]).with_timezone("Mars/Olympus");
    let columns: [(&str, ArrayRef); 3] =
        [("text", Arc::new(StringArray::from(vec!["One."]))), ("far", Arc::new(far)), ("nowhere", Arc::new(nowhere))];
    let (rows, _) = scratch.read("a.arrows", stream(&[RecordBatch::try_from_iter(columns).unwrap()]));
    let written = |name| rows[0].column(name).unwrap().raw_text().into_owned();
    assert_eq!((written("far"), written("nowhere")), ((i64::MAX / 2).to_string(), "5".to_owned()));
}

#[test]
fn table_without_a_text_column_is_an_error() {
    let scratch = Scratch::new();
    let input = parquet(&scratch, "a.parquet", &batches());
    let refused = |text: &str| {
        let options = ReadOptions { text_field: Some(text.into()), ..ReadOptions::default() };
        read(&input, &options).err().unwrap().to_string()
    };
    assert!(refused("nobody").starts_with("cannot find the column `nobody`"));
    assert!(refused("id").contains("the column `id` has the type Int64, not text"), "{}", refused("id"));
    assert!(refused("tags").contains("the column `tags` has the type List("), "{}", refused("tags"));
    let titled = ReadOptions { title_field: Some("desk".into()), ..ReadOptions::default() };
    assert_eq!(read_all(&input, &titled).0[0].article.title.as_deref(), Some("sport"));
}

#[test]
fn nested_fields_and_lists_of_texts_are_read() {
    let scratch = Scratch::new();
    let field = |name: &str, kind: &DataType| Arc::new(Field::new(name, kind.clone(), true));
    let texts_of = |lists: &[&[Option<&str>]]| -> ArrayRef {
        let mut builder = ListBuilder::new(StringBuilder::new());
        lists.iter().for_each(|list| builder.append_value(list.iter().copied()));
        Arc::new(builder.finish())
    };
    let body: ArrayRef = Arc::new(StringArray::from(vec![Some("First."), None, Some("Third.")]));
    let paragraphs = texts_of(&[&[Some("One."), None, Some("Two.")], &[], &[Some("Three.")]]);
    let head: ArrayRef = Arc::new(StringArray::from(vec![Some("Head"), Some("Title only"), None]));
    let titles: ArrayRef = Arc::new(StructArray::from(vec![(field("main", head.data_type()), head)]));
    let article = StructArray::from(vec![
        (field("body", body.data_type()), body),
        (field("paragraphs", paragraphs.data_type()), paragraphs),
        (field("titles", titles.data_type()), titles),
    ]);
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let columns: [(&str, ArrayRef); 2] = [("id", ids), ("article", Arc::new(article))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let inputs = [
        parquet(&scratch, "a.parquet", std::slice::from_ref(&batch)),
        scratch.file("a.arrows", stream(std::slice::from_ref(&batch))),
    ];
    let options = |text: &str, title: Option<&str>| ReadOptions {
        text_field: Some(text.into()),
        title_field: title.map(str::to_owned),
        ..ReadOptions::default()
    };
    for input in &inputs {
        let articles = |options: &ReadOptions| -> Vec<String> {
            read_all(input, options).0.iter().map(|row| row.article.input()).collect()
        };
        let titled = options("article.body", Some("article.titles.main"));
        assert_eq!(articles(&titled), ["Head\nFirst.", "Title only", "Third."]);
        assert_eq!(articles(&options("article.body", None)), ["First.", "Third."]);
        assert_eq!(articles(&options("article.paragraphs", None)), ["One.\nTwo.", "Three."]);
        let (rows, _) = read_all(input, &titled);
        assert_eq!(rows[0].field("article.titles").unwrap().raw_text(), r#"{"main":"Head"}"#);
        assert!(rows[0].field("article.nothing").is_none() && rows[0].field("id").is_some());

        let refused = |options: &ReadOptions| read(input, options).err().unwrap();
        let error = refused(&options("article.titles", None));
        assert!(error.to_string().contains("the column `article.titles` has the type Struct"), "{error}");
        let DataError::NoColumn { column, columns, .. } = refused(&options("article.nothing", None)) else { panic!() };
        let names = ["id", "article", "article.body", "article.paragraphs", "article.titles", "article.titles.main"];
        assert_eq!((column.as_str(), columns.as_slice()), ("article.nothing", &names.map(str::to_owned)[..]));
        // The column `article` has a usual name, but it is no text.
        assert!(matches!(refused(&ReadOptions::default()), DataError::NotText { columns, .. } if columns.len() == 6));
    }
}

#[test]
fn rows_without_text_are_rejected() {
    let scratch = Scratch::new();
    let column =
        |name: &'static str, values: Vec<Option<&str>>| (name, Arc::new(StringArray::from(values)) as ArrayRef, true);
    let texts = column("text", vec![Some("Fine."), None, Some(" ")]);
    let titles = column("title", vec![None, None, Some("Fine, too")]);
    let batch = RecordBatch::try_from_iter_with_nullable([texts, titles]).unwrap();
    let (rows, rejects) = read_all(&parquet(&scratch, "a.parquet", &[batch]), &ReadOptions::default());
    assert_eq!((rows.len(), rejects.len()), (2, 1));
    assert!(rejects[0].is_blank());
    assert_eq!(
        (rejects[0].position.to_string().ends_with("a.parquet`, row 2"), rejects[0].raw.as_str()),
        (true, r#"{"text":null,"title":null}"#)
    );
}

#[test]
fn truncated_files_are_errors() {
    let scratch = Scratch::new();
    let batch = rows_of(1, &["sport", "war"]);
    let Source::File(path) = parquet(&scratch, "a.parquet", std::slice::from_ref(&batch)) else { panic!() };
    let bytes = fs::read(path).unwrap();
    for length in (0..bytes.len()).step_by(7) {
        let source = scratch.file("cut.parquet", &bytes[..length]);
        let Err(error) = read(&source, &ReadOptions::default()) else { panic!("{length} bytes can be opened") };
        assert!(error.to_string().contains("cut.parquet"), "{error}");
    }
    // The footer is valid, but the data that it refers to is not.
    let mut hollow = bytes.clone();
    hollow[4..300].fill(0xa5);
    let (_, _, broken) = read_until_broken(&scratch.file("hollow.parquet", hollow), &ReadOptions::default());
    assert!(matches!(broken, Some(DataError::Broken { .. })), "{broken:?}");

    let bytes = stream(&[batch.clone(), batch]);
    let mut whole = 0;
    for length in 0..bytes.len() {
        let source = scratch.file("cut.arrows", &bytes[..length]);
        if read(&source, &ReadOptions::default()).is_err() {
            continue;
        }
        let (rows, _, broken) = read_until_broken(&source, &ReadOptions::default());
        assert!(rows.len() >= whole && rows.len().is_multiple_of(2), "{length} bytes have {} rows", rows.len());
        assert!(broken.is_none_or(|error| error.to_string().contains("cut.arrows")));
        whole = rows.len();
    }
    assert_eq!(whole, 4);
}

#[test]
fn streams_that_declare_huge_lengths_are_errors() {
    let scratch = Scratch::new();
    let batch = rows_of(1, &["sport", "war"]);
    let options = arrow_ipc::writer::IpcWriteOptions::default();
    let options = options.try_with_compression(Some(arrow_ipc::CompressionType::LZ4_FRAME)).unwrap();
    let mut out = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
    out.write(&batch).unwrap();
    let bytes = out.into_inner().unwrap();
    let source = scratch.file("whole.arrows", &bytes);
    assert_eq!(read_all(&source, &ReadOptions::default()).0.len(), 2);
    // Each byte in turn gets a large value, including those of message and column lengths.
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] = 0x7f;
        let source = scratch.file("damaged.arrows", &damaged);
        if let Ok(rows) = read(&source, &ReadOptions::default()) {
            assert!(rows.take(10_000).count() < 10_000);
        }
    }
}

#[test]
fn compressed_parquet_is_an_error() {
    let scratch = Scratch::new();
    let Source::File(path) = parquet(&scratch, "a.parquet", &batches()) else { panic!() };
    let source = scratch.file("a.parquet.gz", scratch::gzip(&fs::read(path).unwrap()));
    let Err(error) = read(&source, &ReadOptions::default()) else { panic!() };
    assert!(matches!(error, DataError::ParquetStream { .. }), "{error}");
    assert_eq!(error.remedy(), Some(Remedy::NameParquetFile));
}
