//! Labelled record batches: their columns, rows that cannot be labelled, and that batches do not change predictions.

#![allow(clippy::unwrap_used)]

use arrow_array::builder::{LargeStringBuilder, StringDictionaryBuilder, StringViewBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, SchemaRef};
use newsdesk_data::ReadOptions;
use newsdesk_model::{Classifier, Options};
use newsdesk_run::{BatchLabeller, BatchOptions, BatchStream, LabelledBatch, PredictionColumns, Scores, Unusable};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

const WAIT: Duration = Duration::from_secs(60);
const TEXTS: [Option<&str>; 6] =
    [Some("Rovers win the cup."), None, Some("Rates rise again, says bank."), Some(""), Some(" …"), Some("Rain.")];

fn classifier() -> Arc<Classifier> {
    static OPENED: OnceLock<Arc<Classifier>> = OnceLock::new();
    Arc::clone(OPENED.get_or_init(open))
}

fn open() -> Arc<Classifier> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny");
    Arc::new(Classifier::open_with(folder, &Options { threads: Some(2), ..Options::default() }).unwrap())
}

fn labeller(schema: &SchemaRef, options: &BatchOptions) -> Result<BatchLabeller, String> {
    let columns = PredictionColumns::new(classifier().heads(), Scores::Best, "");
    BatchLabeller::new(schema, "the table", &columns, options).map_err(|error| error.to_string())
}

/// Labels batches with one schema.
fn labelled(batches: Vec<RecordBatch>, options: &BatchOptions) -> Vec<LabelledBatch> {
    let labeller = Arc::new(labeller(&batches[0].schema(), options).unwrap());
    let mut stream = BatchStream::start(classifier(), labeller).unwrap();
    let count = batches.len();
    batches.into_iter().for_each(|batch| stream.push(batch));
    stream.close();
    (0..count).map(|_| stream.next_within(WAIT).unwrap().unwrap()).collect()
}

fn with_ids(texts: ArrayRef) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..texts.len() as i64));
    RecordBatch::try_from_iter([("id", ids), ("text", texts)]).unwrap()
}

fn articles() -> RecordBatch {
    with_ids(Arc::new(StringArray::from(TEXTS.to_vec())))
}

fn names(schema: &SchemaRef) -> Vec<&str> {
    schema.fields().iter().map(|field| field.name().as_str()).collect()
}

fn positions(labelled: &LabelledBatch) -> Vec<u64> {
    labelled.rejects.iter().map(|reject| reject.position.row).collect()
}

#[test]
fn added_columns_follow_those_of_the_input() {
    let batch = articles();
    let labelled = labelled(vec![batch.clone()], &BatchOptions::default()).remove(0);
    let out = &labelled.batch;
    let names = names(out.schema_ref());
    assert_eq!((&names[..2], names.last()), (&["id", "text"][..], Some(&"error")));
    assert!(Arc::ptr_eq(batch.column(1), out.column(1)), "an input column was copied");
    assert_eq!(out.schema_ref(), labeller(&batch.schema(), &BatchOptions::default()).unwrap().schema());
    let errors = out.column(out.num_columns() - 1).as_string::<i32>();
    let is_labelled: Vec<bool> = errors.iter().map(|error| error.is_none()).collect();
    assert_eq!(is_labelled, [true, false, true, false, false, true]);
    assert_eq!(errors.value(1), "the text is blank");
    for column in &out.columns()[2..out.num_columns() - 1] {
        let is_valid: Vec<bool> = (0..6).map(|row| column.is_valid(row)).collect();
        assert_eq!(is_valid, is_labelled, "{column:?}");
    }
    assert_eq!(positions(&labelled), [2, 4, 5]);
}

#[test]
fn rows_without_a_text_can_be_left_out() {
    let options = BatchOptions { unusable: Unusable::LeaveOut, ..BatchOptions::default() };
    let labelled = labelled(vec![articles()], &options).remove(0);
    assert_eq!(labelled.batch.column(0).as_primitive::<Int64Type>().values(), &[0, 2, 5]);
    assert!(labelled.batch.column_by_name("error").is_none());
    assert_eq!(positions(&labelled), [2, 4, 5]);
}

#[test]
fn all_types_of_text_give_the_same_predictions() {
    let want = labelled(vec![articles()], &BatchOptions::default()).remove(0).batch;
    let mut large = LargeStringBuilder::new();
    let mut view = StringViewBuilder::new();
    let mut dictionary = StringDictionaryBuilder::<Int32Type>::new();
    for text in TEXTS {
        large.append_option(text);
        view.append_option(text);
        dictionary.append_option(text);
    }
    let columns: [(ArrayRef, DataType); 3] = [
        (Arc::new(large.finish()), DataType::LargeUtf8),
        (Arc::new(view.finish()), DataType::Utf8View),
        (Arc::new(dictionary.finish()), DataType::Utf8),
    ];
    for (texts, kind) in columns {
        let out = labelled(vec![with_ids(texts)], &BatchOptions::default()).remove(0).batch;
        assert_eq!(names(out.schema_ref()), names(want.schema_ref()));
        for (found, wanted) in out.columns()[2..].iter().zip(&want.columns()[2..]) {
            if *wanted.data_type() == DataType::Float64 {
                assert_eq!(found.as_primitive::<Float64Type>(), wanted.as_primitive::<Float64Type>());
            } else {
                assert_eq!((found.data_type(), &as_utf8(found)), (&kind, wanted.as_string::<i32>()));
            }
        }
    }
}

/// Returns strings of any type as `Utf8`.
fn as_utf8(array: &ArrayRef) -> StringArray {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().clone(),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().collect(),
        _ => array.as_string_view().iter().collect(),
    }
}

#[test]
fn predictions_do_not_depend_on_the_batch() {
    let whole = labelled(vec![articles()], &BatchOptions::default()).remove(0).batch;
    let pieces = vec![articles().slice(0, 1), articles().slice(1, 0), articles().slice(1, 4), articles().slice(5, 1)];
    let pieces = labelled(pieces, &BatchOptions::default());
    assert_eq!(pieces.iter().map(|piece| piece.batch.num_rows()).collect::<Vec<_>>(), [1, 0, 4, 1]);
    // Rows are counted from the first batch on.
    assert_eq!(positions(&pieces[2]), [2, 4, 5]);
    let mut first = 0;
    for piece in pieces {
        assert_eq!(piece.batch, whole.slice(first, piece.batch.num_rows()));
        first += piece.batch.num_rows();
    }
}

#[test]
fn columns_can_be_chosen_and_keep_their_names() {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..6));
    let texts: ArrayRef = Arc::new(StringArray::from(TEXTS.to_vec()));
    let head = classifier().heads()[0].name.clone();
    let columns = [(head.as_str(), Arc::clone(&ids)), ("error", ids), ("story", texts)];
    let schema = RecordBatch::try_from_iter(columns).unwrap().schema();
    let read = ReadOptions { text_field: Some("story".into()), ..ReadOptions::default() };
    let options = BatchOptions { read, ..BatchOptions::default() };
    let kept = labeller(&schema, &options).unwrap();
    assert_eq!(names(kept.schema())[..4], [&head, "error", "story", &format!("{head}_predicted")]);
    assert_eq!((names(kept.schema()).last(), kept.notes().renamed.is_empty()), (Some(&"error_added"), false));
    let replaced = labeller(&schema, &BatchOptions { overwrite_columns: true, ..options.clone() }).unwrap();
    assert_eq!(names(replaced.schema())[..2], ["story", &head]);
    let none = labeller(&schema, &BatchOptions { columns: Some(vec![]), ..options.clone() }).unwrap();
    assert_eq!(names(none.schema())[0], head);
    let unknown = labeller(&schema, &BatchOptions { columns: Some(vec!["id".into()]), ..options });
    assert!(unknown.err().unwrap().contains("`id`"));
}

#[test]
fn a_schema_without_a_text_is_refused() {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..6));
    let refused = |name: &str| {
        let schema = RecordBatch::try_from_iter([(name, Arc::clone(&ids))]).unwrap().schema();
        labeller(&schema, &BatchOptions::default()).err().unwrap()
    };
    let error = refused("text");
    assert!(error.contains("`text`") && error.contains("Int64"), "{error}");
    let error = refused("id");
    assert!(error.contains("the table"), "{error}");
}

#[test]
fn a_stream_that_is_dropped_ends() {
    let classifier = open();
    let labeller = Arc::new(labeller(&articles().schema(), &BatchOptions::default()).unwrap());
    let mut stream = BatchStream::start(Arc::clone(&classifier), labeller).unwrap();
    (0..50).for_each(|_| stream.push(articles()));
    assert_eq!(stream.in_progress(), (50, 300));
    drop(stream);
    // Its thread gives the classifier back.
    let deadline = Instant::now() + WAIT;
    while Arc::strong_count(&classifier) > 1 {
        assert!(Instant::now() < deadline, "the stream still runs");
        std::thread::sleep(Duration::from_millis(5));
    }
}
