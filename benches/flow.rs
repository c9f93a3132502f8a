//! Benches classifying from file to file, step by step and as a whole, with the built-in model on the sample articles.
//!
//! Criterion's elem/s are articles per second. Every call checks the size of its result. The table at the end shows the
//! fastest calls.

#![expect(clippy::print_stdout, reason = "a bench prints its results")]

mod timing;

use criterion::Criterion;
use newsdesk_data::{DataError, Format, ReadOptions, Row, RowWriter, Source, Value, create, read, writer};
use newsdesk_model::{AnyModel, Classifier, Dtype, DtypeChoice, Options, available_cpus};
use newsdesk_run::{Counts, PredictionColumns, RunOptions, RunState, Scores, StreamOutput, run_corpus};
use std::error::Error;
use std::path::Path;
use std::time::Duration;
use timing::{fastest, timed};

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets/sample/articles.jsonl");
/// The number of copies of the sample for steps that take microseconds per article.
const COPIES: usize = 20;
/// The number of articles for steps that take milliseconds per article.
const FEW: usize = 24;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default()
        .without_plots()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5))
        .configure_from_args();
    let folder = tempfile::tempdir()?;
    let sample = std::fs::read_to_string(SAMPLE)?;
    let file = |name: &str, content: String| -> Result<Source, std::io::Error> {
        let path = folder.path().join(name);
        std::fs::write(&path, content)?;
        Ok(Source::File(path))
    };
    let many = file("many.jsonl", sample.repeat(COPIES))?;
    let few = file("few.jsonl", sample.split_inclusive('\n').take(FEW).collect())?;
    let labelled = folder.path().join("labelled.jsonl");

    let classifier =
        |threads, dtype| Classifier::embedded_with(&Options { threads: Some(threads), dtype, ..Options::default() });
    let whole = classifier(available_cpus(), DtypeChoice::Auto)?;
    let columns = PredictionColumns::new(whole.heads(), Scores::Best, "");
    let rows = rows(&many);
    let texts: Vec<String> = rows.iter().map(|row| row.article.input()).collect();
    let AnyModel::Encoder(model) = whole.model() else { return Err("the built-in model is not an encoder".into()) };
    let tokens_of = |texts: &[String]| -> Result<usize, newsdesk_model::ModelError> {
        texts.iter().try_fold(0, |sum, text| Ok(sum + model.tokenizer.encode(text)?.len()))
    };
    let (tokens, few_tokens) = (tokens_of(&texts)?, tokens_of(&texts[..FEW])?);

    let mut table = vec![];
    let mut group = criterion.benchmark_group("flow");
    let mut step = |name: &str, articles: usize, tokens: Option<usize>, call: &mut dyn FnMut() -> Duration| {
        if let Some(took) = fastest(&mut group, name, articles as u64, call) {
            let rate = |count: usize| count as f64 / took.as_secs_f64();
            table.push((name.to_owned(), rate(articles), tokens.map(rate)));
        }
    };

    step("read JSON Lines", rows.len(), None, &mut || {
        let mut found = vec![];
        let took = timed(|| found = self::rows(&many));
        assert_eq!(found.len(), rows.len());
        took
    });

    step("tokenize", texts.len(), Some(tokens), &mut || {
        timed(|| assert_eq!(tokens_of(&texts).expect("the same texts were tokenized before"), tokens))
    });

    for dtype in Dtype::ALL {
        let classifier = classifier(1, DtypeChoice::Exactly(dtype))?;
        step(&format!("encode in {dtype}, 1 thread"), FEW, Some(few_tokens), &mut || {
            let mut predictions = vec![];
            let took = timed(|| {
                predictions = classifier.classify(&texts[..FEW]).expect("the built-in model classifies every text")
            });
            assert_eq!(predictions.len(), FEW);
            assert_eq!(predictions.iter().map(|prediction| prediction.tokens).sum::<usize>(), few_tokens);
            took
        });
    }

    let labels = columns.values(&whole.classify(&texts[..1])?[0]);
    step("write JSON Lines", rows.len(), None, &mut || {
        let took = timed(|| write(&rows, &labels, &labelled).expect("the temporary folder is writable"));
        assert_eq!(lines(&labelled), rows.len());
        took
    });

    let name = format!("whole run in {}, threads: {}", whole.dtype(), available_cpus());
    step(&name, FEW, Some(few_tokens), &mut || {
        let mut counts = Counts::default();
        let took = timed(|| {
            let mut output = StreamOutput::new(file_writer(&labelled).expect("the temporary folder is writable"), None);
            let (source, mut state) = (std::slice::from_ref(&few), RunState::start());
            run_corpus(&whole, source, &RunOptions::default(), &columns, &mut state, &mut output)
                .expect("the sample can be read");
            counts = state.counts;
        });
        assert_eq!((counts.articles, counts.rejected, counts.tokens), (FEW as u64, 0, few_tokens as u64));
        assert_eq!(lines(&labelled), FEW);
        took
    });

    group.finish();
    criterion.final_summary();
    if !table.is_empty() {
        println!("{:<36} {:>12} {:>12}", "fastest call", "articles/s", "tokens/s");
    }
    for (name, articles, tokens) in table {
        let tokens = tokens.map_or("-".into(), |tokens| format!("{tokens:.0}"));
        println!("{name:<36} {articles:>12.0} {tokens:>12}");
    }
    Ok(())
}

/// Returns all rows of a source, which has no rejects.
fn rows(source: &Source) -> Vec<Row> {
    let rows = read(source, &ReadOptions::default()).expect("the file was just written");
    rows.map(|row| row.expect("the sample has no rejects")).collect()
}

fn write(rows: &[Row], labels: &[(String, Value)], path: &Path) -> Result<(), DataError> {
    let mut writer = file_writer(path)?;
    for row in rows {
        writer.write(row, labels)?;
    }
    writer.finish()
}

fn file_writer(path: &Path) -> Result<Box<dyn RowWriter + Send>, DataError> {
    writer(Format::JsonLines, create(path)?)
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}
