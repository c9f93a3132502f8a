//! Reads the rows of a worksheet on a thread of its own: calamine's reader of cells borrows the workbook.

use std::io::{self, Cursor};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use calamine::{Data, DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx};
use serde_json::value::{RawValue, to_raw_value};

use super::limits;
use crate::panics;

/// The number of rows that wait for the reader.
const WAITING: usize = 64;
/// The maximum number of sheets that are searched for contents.
const MAX_SEARCHED: usize = 50;

/// What the thread finds, in order.
pub(super) enum Message {
    /// The sheet that is read, and others with contents.
    Opened { sheet: String, others: Vec<String> },
    /// The requested sheet does not exist.
    NoSheet { sheet: String, sheets: Vec<String> },
    /// A row with at least one value.
    Row(SheetRow),
    /// The workbook cannot be read further.
    Failed(String),
}

/// A row of a sheet.
pub(super) struct SheetRow {
    /// The number of the row as Excel shows it, from 1.
    pub number: u64,
    /// The index of the column, and the value as JSON.
    pub cells: Vec<(usize, Box<RawValue>)>,
}

/// Reads a sheet of a workbook, by default the first one. The thread ends when the receiver is dropped.
///
/// # Errors
/// If the thread cannot be started.
pub(super) fn read(workbook: Arc<[u8]>, sheet: Option<String>, limit: u64) -> io::Result<Receiver<Message>> {
    let (sender, receiver) = sync_channel(WAITING);
    thread::Builder::new().name("workbook".to_owned()).spawn(move || {
        let failed = match panics::catch(|| send_rows(workbook, sheet, limit, &sender)) {
            Ok(Ok(())) => return,
            Ok(Err(cause)) => cause,
            Err(panicked) => panicked.to_string(),
        };
        // Nobody is left to be told if the receiver is gone.
        let _ = sender.send(Message::Failed(failed));
    })?;
    Ok(receiver)
}

fn send_rows(
    workbook: Arc<[u8]>,
    requested: Option<String>,
    limit: u64,
    sender: &SyncSender<Message>,
) -> Result<(), String> {
    limits::check(&workbook, limit)?;
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(workbook)).map_err(|error| error.to_string())?;
    let sheets = workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let (visible, hidden): (Vec<_>, Vec<_>) = sheets.partition(|sheet| sheet.visible == SheetVisible::Visible);
    let names: Vec<String> = visible.iter().chain(&hidden).map(|sheet| sheet.name.clone()).collect();
    let found = match &requested {
        None => names.first(),
        Some(name) => names
            .iter()
            .find(|found| *found == name)
            .or_else(|| names.iter().find(|found| found.trim().eq_ignore_ascii_case(name.trim()))),
    };
    let sheet = match (found, requested) {
        (Some(sheet), _) => sheet.clone(),
        (None, Some(sheet)) => {
            let _ = sender.send(Message::NoSheet { sheet, sheets: names });
            return Ok(());
        }
        (None, None) => return Err("the workbook has no worksheet".to_owned()),
    };
    let mut others = Vec::new();
    for other in names[..visible.len()].iter().filter(|other| **other != sheet).take(MAX_SEARCHED) {
        if has_contents(&mut workbook, other) {
            others.push(other.clone());
        }
    }
    if sender.send(Message::Opened { sheet: sheet.clone(), others }).is_err() {
        return Ok(());
    }
    let mut cells = workbook.worksheet_cells_reader(&sheet).map_err(|error| error.to_string())?;
    let mut row = SheetRow { number: 0, cells: Vec::new() };
    while let Some(cell) = cells.next_cell().map_err(|error| error.to_string())? {
        let (number, column) = cell.get_position();
        let Some(value) = json(cell.get_value()) else { continue };
        let number = u64::from(number) + 1;
        if number != row.number {
            let complete = std::mem::replace(&mut row, SheetRow { number, cells: Vec::new() });
            if !complete.cells.is_empty() && sender.send(Message::Row(complete)).is_err() {
                return Ok(());
            }
        }
        row.cells.push((column as usize, value));
        if row.cells.len() > MAX_CELLS {
            return Err(format!("row {number} has more than {MAX_CELLS} cells"));
        }
    }
    if !row.cells.is_empty() {
        let _ = sender.send(Message::Row(row));
    }
    Ok(())
}

/// The maximum number of cells in a row: the number of columns of Excel.
const MAX_CELLS: usize = 16_384;

fn has_contents(workbook: &mut Xlsx<Cursor<Arc<[u8]>>>, sheet: &str) -> bool {
    let Ok(mut cells) = workbook.worksheet_cells_reader(sheet) else { return false };
    while let Ok(Some(cell)) = cells.next_cell() {
        if json(cell.get_value()).is_some() {
            return true;
        }
    }
    false
}

/// Returns a value as JSON: dates and times as ISO 8601 text. Returns `None` for an empty cell.
fn json(value: &DataRef<'_>) -> Option<Box<RawValue>> {
    let text = |text: &str| to_raw_value(text).ok();
    match value {
        DataRef::Empty => None,
        DataRef::String(value) if value.is_empty() => None,
        DataRef::SharedString("") => None,
        DataRef::String(value) | DataRef::DateTimeIso(value) | DataRef::DurationIso(value) => text(value),
        DataRef::SharedString(value) => text(value),
        DataRef::Bool(value) => to_raw_value(value).ok(),
        DataRef::Int(value) => to_raw_value(value).ok(),
        DataRef::Float(value) => number(*value),
        DataRef::DateTime(value) => text(&date(value)),
        DataRef::Error(error) => text(&Data::Error(error.clone()).to_string()),
    }
}

/// Returns a number without a fraction if it is whole: Excel has only floats.
fn number(value: f64) -> Option<Box<RawValue>> {
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    match value.fract() == 0.0 && value.abs() < MAX_EXACT {
        true => to_raw_value(&(value as i64)).ok(),
        false => to_raw_value(&value).ok(),
    }
}

/// Returns a date, a time or both as ISO 8601 text, and a duration as hours, minutes and seconds.
fn date(value: &ExcelDateTime) -> String {
    let days = value.as_f64();
    if value.is_duration() {
        let seconds = (days * 86_400.0).round();
        let (sign, seconds) = (if seconds < 0.0 { "-" } else { "" }, seconds.abs() as u64);
        return format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, milli) = value.to_ymd_hms_milli();
    let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}") };
    let time = format!("{hour:02}:{minute:02}:{second:02}{fraction}");
    match (days.fract() == 0.0, days < 1.0) {
        (true, _) => format!("{year:04}-{month:02}-{day:02}"),
        (false, true) => time,
        (false, false) => format!("{year:04}-{month:02}-{day:02}T{time}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    #[test]
    fn dates_become_iso_text() {
        let of = |value, kind| date(&ExcelDateTime::new(value, kind, false));
        assert_eq!(of(45_943.0, ExcelDateTimeType::DateTime), "2025-10-13");
        assert_eq!(of(45_943.541, ExcelDateTimeType::DateTime), "2025-10-13T12:59:02.400");
        assert_eq!(of(0.75, ExcelDateTimeType::DateTime), "18:00:00");
        assert_eq!(of(1.5, ExcelDateTimeType::TimeDelta), "36:00:00");
        assert_eq!(number(3.0).map(|value| value.get().to_owned()).as_deref(), Some("3"));
        assert_eq!(number(0.5).map(|value| value.get().to_owned()).as_deref(), Some("0.5"));
    }
}
