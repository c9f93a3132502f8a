//! Hints for errors and rejected rows of `newsdesk-data`.

use crate::format_list::{all_formats, all_suffixes, row_formats};
use crate::output::shell;
use newsdesk_data::{ColumnRole, Compression, DataError, FileFault, Reject, Remedy};

/// Returns the hint for an error, if there is one.
pub fn hint(error: &DataError) -> Option<String> {
    error.remedy().as_ref().map(hint_text)
}

/// Returns a rejected row with its hint filled in.
pub fn with_hint(reject: &Reject) -> Reject {
    let mut reject = reject.clone();
    reject.hint = reject.remedy.as_deref().map(|remedy| hint_text(remedy).into());
    reject
}

/// Returns the hint for a remedy: an instruction to the user of the command line.
pub fn hint_text(remedy: &Remedy) -> String {
    match remedy {
        Remedy::NameInputs => "give a file, a folder, a pattern in quotes, or `-` for standard input".into(),
        Remedy::NameFiles => format!("name the files one by one: in a folder, only {} are read", all_suffixes()),
        Remedy::CheckPattern => "check the pattern: no file matches; `**` matches any number of folders".into(),
        Remedy::RemoveCompressionSuffix => "remove the suffix from the name if the file is not compressed".into(),
        Remedy::DownloadAgain { fault } => match fault {
            FileFault::Truncated => "fetch or export the file again: it ends too early".into(),
            FileFault::CompressedTruncated => {
                "download the file again: it ends in the middle of its compressed data".into()
            }
            FileFault::Damaged => "download the file again: its data is damaged".into(),
        },
        Remedy::RemoveTrailingBytes { compression: Compression::Xz } => {
            "fetch the file again: other bytes follow its data".into()
        }
        // Each program has the name of its format.
        Remedy::RemoveTrailingBytes { compression } => format!(
            "decompress the file with `{compression} -dc`, which ignores these bytes, and give the result; or fetch it again"
        ),
        Remedy::Decompress { compression: Compression::Zstd } => {
            "decompress the file first with `zstd -d --long=31`".into()
        }
        Remedy::Decompress { compression } => {
            format!("decompress the file first with `{compression} -d`")
        }
        Remedy::NameParquetFile => "give the decompressed file itself; only Arrow streams can be piped".into(),
        Remedy::ExtractArray { field } => {
            format!("give only the array: `jq '.[\"{field}\"]' FILE` extracts it")
        }
        Remedy::SaveWorkbook => {
            "save the workbook as .xlsx without a password, or export the sheet as CSV in UTF-8".into()
        }
        Remedy::ChooseSheet { sheets } => {
            format!("name another sheet with `--sheet`; the sheets are {}", listed(sheets))
        }
        Remedy::ReduceColumns => {
            "keep only the columns that you need; if there are not that many, check the delimiter and the line breaks"
                .into()
        }
        Remedy::CreateFolder => "create the folder first".into(),
        Remedy::CheckOutput => "check that the disk has free space, and that you may write to the output".into(),
        Remedy::WriteRows => format!("write {}", row_formats()),
        Remedy::WriteOtherCompression => "end its name in .gz or .zst, or leave out the compression".into(),
        Remedy::WriteJsonLines => "write JSON Lines, where each row has its own columns".into(),
        Remedy::RenameColumn { column } => format!(
            "rename the input column `{column}`; with `newsdesk classify`, `--prefix TEXT` keeps both and `--overwrite-columns` replaces it"
        ),
        Remedy::WriteArrow => "write an Arrow stream (.arrows) or JSON Lines".into(),
        Remedy::CorrectHeader => "correct the first line: it must name every column once".into(),
        Remedy::ChooseColumn { role, columns } => {
            format!("name another column with {}; the columns are {}", options_of(*role), listed(columns))
        }
        Remedy::NameTextColumn { columns } => {
            format!("name the text column with `--text-field NAME`; the columns are {}", listed(columns))
        }
        Remedy::NameTextAndTitleColumns { columns } => format!(
            "name other columns with `--text-field NAME` and `--title-field NAME`; the columns are {}",
            listed(columns)
        ),
        Remedy::NameLabelColumn { columns } => {
            format!("name the label column with `--label-field NAME`; the columns are {}", listed(columns))
        }
        Remedy::NameTargetColumn { columns } => {
            format!("name the target column with `--target-field NAME`; the columns are {}", listed(columns))
        }
        Remedy::NameOffsetColumns { columns } => format!(
            "name the columns of the positions with `--target-start NAME` and `--target-end NAME`; the columns are {}",
            listed(columns)
        ),
        Remedy::CorrectOffsets => {
            "count the characters of the text column from 0, up to the one after the target; without `--target-start` and `--target-end` the target is searched in the text".into()
        }
        Remedy::UnpackRejects { name } => format!(
            "unpack its rows, correct them and label the new file: `jq -r .raw {} > again.jsonl`; rows of a CSV file need its header as well",
            shell::quoted(name)
        ),
        Remedy::AddLanguage { code } => format!("add `--only-language {code}` to label articles in this language, too"),
        Remedy::AddText => {
            "add a text or a title to the row, or read the text from another column with `--text-field NAME`".into()
        }
        Remedy::NameTitleColumn { columns } => format!(
            "add a text or a title to the row; no title column is read: name one with `--title-field NAME`; the columns are {}",
            listed(columns)
        ),
        Remedy::ChooseTextColumn => "read the text from another column with `--text-field NAME`".into(),
        Remedy::ChooseTitleColumn => "read the title from another column with `--title-field NAME`".into(),
        Remedy::NameEncoding => {
            "if the file has another encoding, name it with `--encoding`, for example `--encoding latin1`".into()
        }
        Remedy::UseEncoding { likely } => format!(
            "name the encoding: it looks like {likely}, so try `--encoding {likely}`; with `--encoding utf-8`, invalid rows are rejected"
        ),
        Remedy::UseReadableFormat => format!("use a file of {}", all_formats()),
        Remedy::LeaveOut { reason } => format!("leave the file out: {reason}"),
        Remedy::ReadAsText => {
            "read the file as plain text with `--format text`; lists of links and frames have no main text".into()
        }
        Remedy::CheckLength => "check the text: no article is that long".into(),
        Remedy::CheckLineBreaks => "look for a missing line break: no article is that long".into(),
        Remedy::WriteObjectPerLine => "write each article as one JSON object, such as {\"text\": \"...\"}".into(),
        Remedy::JoinObjectLines => "write each JSON object on one line; `jq -c .` joins the lines of an object".into(),
        Remedy::CorrectValue => "correct the value; `jq . FILE` names the position of the first mistake".into(),
        Remedy::NameColumn => "give the column a name in the first row of the sheet, or empty it".into(),
        Remedy::RenameFields => "rename one of the fields: a name may occur only once in an object".into(),
        Remedy::CloseQuote { lines: 0 } => "close the quote that opens in this row".into(),
        Remedy::CloseQuote { lines: 1 } => "close the quote; the reject includes the line after it".into(),
        Remedy::CloseQuote { lines } => format!("close the quote; the reject includes the {lines} lines after it"),
        Remedy::QuoteWholeField => {
            "end a field with a quote if it starts with one, and double the quotes inside it".into()
        }
        Remedy::QuoteFields => "put fields that contain a delimiter or a line break in quotes".into(),
        Remedy::ChooseLabel { known } => format!(
            "use one of the known labels: {}; `newsdesk eval --label-map FILE` maps other labels to a model's",
            listed(known)
        ),
        Remedy::CorrectLabelMap { known } => {
            format!("correct the label map: it maps to labels of the model, which are {}", listed(known))
        }
        Remedy::MapLabels { unknown, known } => format!(
            "map the labels with `--label-map FILE`, one line per label: \"{}\" = [\"{}\"]; known labels are {}",
            unknown.first().map_or("", String::as_str),
            known.first().map_or("", String::as_str),
            listed(known)
        ),
        Remedy::AddToLabelMap { label } => {
            format!("add a line for it to the label map; \"{label}\" = [] leaves its rows out")
        }
        Remedy::AddToRecipe { label, head } => {
            format!("add `{label}` to [heads.{head}.map] of the recipe; an empty list [] leaves its rows out")
        }
        Remedy::ChooseSplit { splits } => format!("choose one of its splits: {}", listed(splits)),
        Remedy::NameDataRoot { origin } => format!(
            "download the data set from {origin}, or name the folder that contains all data sets with `--data-root DIR`"
        ),
        Remedy::ReadRecipeGuide => "see datasets/README.md for the format of recipes and label sets".into(),
        Remedy::UseKnownLabelSet => "use one of the label sets `iptc-topics` and `sentiment`".into(),
        Remedy::ChooseShares => {
            "choose shares as fractions of 1, such as 0.1; their sum must be more than 0 and less than 1".into()
        }
        Remedy::AddRows => "use a file with labelled rows".into(),
    }
}

/// Returns the options that name a column of this role.
fn options_of(role: ColumnRole) -> &'static str {
    match role {
        ColumnRole::Text => "`--text-field`",
        ColumnRole::Title => "`--title-field`",
        ColumnRole::Label => "`--label-field`",
        ColumnRole::Target => "`--target-field`, or its position with `--target-start` and `--target-end`",
    }
}

/// The maximum number of names in a hint.
const MAX_NAMED: usize = 30;

/// Returns names in backquotes, separated by commas. Of very many names, only the first are given.
pub(super) fn listed(names: &[String]) -> String {
    let mut text = names.iter().take(MAX_NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > MAX_NAMED {
        text += &format!(" and {} more", names.len() - MAX_NAMED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_contains_the_data_of_a_remedy() {
        let names = vec!["id".to_owned(), "story".to_owned()];
        let columns = hint_text(&Remedy::NameTextColumn { columns: names.clone() });
        assert!(columns.contains("--text-field") && columns.contains("`id`, `story`"), "{columns}");
        let map = hint_text(&Remedy::MapLabels { unknown: vec!["Weather".into()], known: names });
        assert!(map.contains("\"Weather\" = [\"id\"]"), "{map}");
        let many = listed(&(0..40).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(many.ends_with("`29` and 10 more"), "{many}");
    }
}
