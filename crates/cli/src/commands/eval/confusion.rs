//! The confusion matrix of a head as text that fits the terminal.

use crate::output::table::table;
use newsdesk_eval::HeadReport;
use newsdesk_metrics::ConfusionMatrix;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Number of confused pairs of labels that are printed where the matrix is too wide.
const MAX_PAIRS: usize = 10;

/// A way to lay out the matrix, in columns of the terminal.
struct Layout {
    /// Space between two columns.
    gap: usize,
    /// Least width of an abbreviated heading.
    min_heading: usize,
    /// Width of the names of rows.
    max_name: usize,
}

/// Greatest width of a heading, in columns of the terminal. Counts are short, so wider headings would tear them apart.
const MAX_HEADING: usize = 16;

/// From the most readable to the narrowest.
const LAYOUTS: [Layout; 4] = [
    Layout { gap: 2, min_heading: 8, max_name: 40 },
    Layout { gap: 2, min_heading: 5, max_name: 24 },
    Layout { gap: 2, min_heading: 4, max_name: 18 },
    Layout { gap: 1, min_heading: 3, max_name: 11 },
];

/// Returns the confusion matrix of a head, for a terminal of `width` columns.
///
/// If it is too wide, the most frequent wrong pairs are returned instead. A multi-label head has no matrix, since its
/// articles have several gold labels and predictions at once.
///
/// `allowed` are the labels of the data set, if it has its own, each with the predictions that count as correct.
pub fn confusion(report: &HeadReport, allowed: Option<&[(String, Vec<usize>)]>, width: usize) -> String {
    let Some(confusion) = &report.report.confusion else {
        return match report.report.micro_f1 {
            Some(_) => "no confusion matrix: an article can have several labels of this head\n".into(),
            None => "no confusion matrix: the head has too many labels\n".into(),
        };
    };
    let shown = Shown::new(confusion, allowed);
    if shown.rows.is_empty() || shown.columns.len() < 2 {
        return String::new();
    }
    let mut text = "confusion matrix, in articles: gold labels in rows, predictions in columns\n".to_owned();
    if report.report.uses_data_set_labels {
        text += "  rows are labels of the data set, columns are labels of the model; * marks correct predictions\n";
    } else if report.any_of {
        text += "  where several labels are correct, the row is the predicted one of them, or else the first\n";
    }
    match shown.table(width) {
        Some(table) => format!("{text}\n{table}"),
        None => {
            let labels = shown.columns.len();
            let mut text = format!(
                "the confusion matrix of {labels} labels is too wide for {width} columns; `--json` and `--report` have it\n"
            );
            if !report.report.uses_data_set_labels {
                text += &pairs_table(confusion);
            }
            text
        }
    }
}

/// The rows and columns of a confusion matrix that are shown.
struct Shown<'c> {
    confusion: &'c ConfusionMatrix,
    /// The correct columns of each row, if rows and columns have different labels.
    allowed: Option<&'c [(String, Vec<usize>)]>,
    rows: Vec<usize>,
    columns: Vec<usize>,
}

impl<'c> Shown<'c> {
    /// Leaves out labels that are neither a gold label nor predicted.
    fn new(confusion: &'c ConfusionMatrix, allowed: Option<&'c [(String, Vec<usize>)]>) -> Self {
        let ConfusionMatrix { gold, predicted, counts } = confusion;
        let is_gold = |row: &usize| counts[*row].iter().any(|&count| count > 0);
        let is_predicted = |column: &usize| counts.iter().any(|row| row[*column] > 0);
        let (rows, columns) = (0..gold.len(), 0..predicted.len());
        match gold == predicted {
            true => {
                let both: Vec<usize> = rows.filter(|label| is_gold(label) || is_predicted(label)).collect();
                Self { confusion, allowed, rows: both.clone(), columns: both }
            }
            false => Self {
                confusion,
                allowed,
                rows: rows.filter(is_gold).collect(),
                columns: columns.filter(is_predicted).collect(),
            },
        }
    }

    /// Returns the matrix in the first layout that fits; `None` if none does.
    fn table(&self, width: usize) -> Option<String> {
        LAYOUTS.iter().find_map(|layout| {
            let widest = self.columns.iter().map(|&column| self.confusion.predicted[column].width()).max()?;
            (layout.min_heading..=widest.clamp(layout.min_heading, MAX_HEADING))
                .rev()
                .find_map(|heading| self.lines(layout, heading, width))
        })
    }

    /// Returns the matrix with headings of at most `heading` columns; `None` if it is wider than `width`, or if two
    /// abbreviated headings would be the same.
    fn lines(&self, layout: &Layout, heading: usize, width: usize) -> Option<String> {
        if self.columns.len() * (layout.gap + 1) > width {
            return None;
        }
        let ConfusionMatrix { gold, predicted, counts } = self.confusion;
        let headings: Vec<String> =
            self.columns.iter().map(|&column| abbreviated(&predicted[column], heading)).collect();
        let names: Vec<String> = self.rows.iter().map(|&row| abbreviated(&gold[row], layout.max_name)).collect();
        let mark = |row: usize, column: usize| match self.allowed {
            None => "",
            Some(allowed) if allowed.get(row).is_some_and(|(_, columns)| columns.contains(&column)) => "*",
            Some(_) => " ",
        };
        let cell = |row: usize, column: usize| match counts[row][column] {
            0 => format!("·{}", mark(row, column)),
            count => format!("{count}{}", mark(row, column)),
        };
        let widths: Vec<usize> = (self.columns.iter().zip(&headings))
            .map(|(&column, heading)| {
                let widest = self.rows.iter().map(|&row| cell(row, column).width()).max().unwrap_or(0);
                widest.max(heading.width())
            })
            .collect();
        let name_width = names.iter().map(|name| name.width()).max()?;
        let total = 1 + name_width + widths.iter().map(|width| layout.gap + width).sum::<usize>();
        let is_unique = |texts: &[String]| texts.iter().enumerate().all(|(at, text)| !texts[..at].contains(text));
        if total > width || !is_unique(&headings) || !is_unique(&names) {
            return None;
        }
        let line = |name: &str, cells: Vec<String>| {
            let mut line = format!(" {name}{}", " ".repeat(name_width - name.width()));
            for (cell, width) in cells.iter().zip(&widths) {
                line += &" ".repeat(layout.gap + width - cell.width());
                line += cell;
            }
            line.trim_end().to_owned()
        };
        let mut lines = vec![line("", headings.clone())];
        for (&row, name) in self.rows.iter().zip(&names) {
            lines.push(line(name, self.columns.iter().map(|&column| cell(row, column)).collect()));
        }
        if self.allowed.is_some() {
            let full = self.columns.iter().map(|&column| &predicted[column]);
            let key: Vec<_> = headings.iter().zip(full).filter(|(heading, full)| heading != full).collect();
            let key_width = key.iter().map(|(heading, _)| heading.width()).max().unwrap_or(0);
            let entry = |(heading, full): (&String, &String)| {
                format!(" {heading}{}  {full}", " ".repeat(key_width - heading.width()))
            };
            lines.extend(key.first().map(|_| String::new()));
            lines.extend(key.into_iter().map(entry));
        }
        Some(lines.join("\n") + "\n")
    }
}

/// Shortens a text to a number of columns of the terminal. An ellipsis shows that it is shortened, if there is space for it.
fn abbreviated(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let with_ellipsis = width > 4;
    let (mut kept, mut used) = (String::new(), usize::from(with_ellipsis));
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(character);
    }
    let kept = kept.trim_end_matches(|character: char| !character.is_alphanumeric());
    if with_ellipsis { format!("{kept}…") } else { kept.to_owned() }
}

/// Lists the most frequent pairs of a gold label and another prediction.
fn pairs_table(confusion: &ConfusionMatrix) -> String {
    let ConfusionMatrix { gold, predicted, counts } = confusion;
    let mut pairs: Vec<(&String, &String, u64)> = vec![];
    for (gold, row) in gold.iter().zip(counts) {
        let wrong = predicted.iter().zip(row).filter(|(predicted, count)| *predicted != gold && **count > 0);
        pairs.extend(wrong.map(|(predicted, &count)| (gold, predicted, count)));
    }
    if pairs.is_empty() {
        return String::new();
    }
    pairs.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    let mut rows = table(&["gold label", "prediction", "articles"], &[2]);
    for (gold, predicted, count) in pairs.iter().take(MAX_PAIRS) {
        rows.add_row([(*gold).clone(), (*predicted).clone(), count.to_string()]);
    }
    format!("most frequent wrong predictions:\n\n{}\n", rows.trim_fmt())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn matrix(labels: &[&str], counts: &[&[u64]]) -> ConfusionMatrix {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        ConfusionMatrix {
            gold: labels.clone(),
            predicted: labels,
            counts: counts.iter().map(|row| row.to_vec()).collect(),
        }
    }

    const TOPICS: [&str; 4] = ["crime, law and justice", "conflict, war and peace", "sport", "weather"];

    fn topics() -> ConfusionMatrix {
        matrix(&TOPICS, &[&[120, 3, 0, 0], &[4, 98, 0, 0], &[0, 1, 77, 0], &[0; 4]])
    }

    #[test]
    fn labels_are_abbreviated_as_far_as_the_width_needs() {
        let confusion = topics();
        let shown = Shown::new(&confusion, None);
        let lines = |width| shown.table(width).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            lines(100),
            [
                "                          crime, law and…  conflict, war a…  sport",
                " crime, law and justice               120                 3      ·",
                " conflict, war and peace                4                98      ·",
                " sport                                  ·                 1     77",
            ]
        );
        assert_eq!(lines(50)[0], "                          crime…  conflic…  sport");
        assert_eq!(
            lines(26),
            [
                "             cri con spo",
                " crime, law… 120   3   ·",
                " conflict…     4  98   ·",
                " sport         ·   1  77"
            ]
        );
        assert_eq!(shown.table(20), None);
        for width in 1..120 {
            let lines = shown.table(width).unwrap_or_default();
            assert!(lines.lines().all(|line| line.width() <= width), "{width}:\n{lines}");
        }
    }

    #[test]
    fn correct_cells_are_marked_and_short_headings_explained_where_rows_are_other_labels() {
        let labels = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let confusion = ConfusionMatrix {
            gold: labels(&["World", "Sports"]),
            predicted: labels(&TOPICS[..3]),
            counts: vec![vec![12, 3, 4], vec![1, 0, 77]],
        };
        let allowed = [("World".to_owned(), vec![0, 1]), ("Sports".to_owned(), vec![2])];
        assert_eq!(
            Shown::new(&confusion, Some(&allowed)).table(50).unwrap().lines().collect::<Vec<_>>(),
            [
                "         crime, law and…  conflict, war a…  sport",
                " World               12*                3*     4",
                " Sports               1                 ·     77*",
                "",
                " crime, law and…   crime, law and justice",
                " conflict, war a…  conflict, war and peace",
            ]
        );
    }

    #[test]
    fn equal_abbreviations_are_not_shown() {
        let confusion = matrix(&["class_number_1", "class_number_2"], &[&[1, 2], &[3, 4]]);
        assert_eq!(Shown::new(&confusion, None).table(40), None);
        assert!(Shown::new(&confusion, None).table(60).unwrap().contains("class_number_2"));
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(abbreviated("体育与健康", 6), "体育…");
        assert_eq!(abbreviated("arts, culture", 6), "arts…");
        assert_eq!(abbreviated("politics", 4), "poli");
        assert_eq!(abbreviated("sport", 5), "sport");
    }

    #[test]
    fn pairs_are_listed_by_their_number() {
        let text = pairs_table(&topics());
        let rows: Vec<&str> = text.lines().skip(3).map(str::trim).collect();
        assert!(rows[0].ends_with(" 4") && rows[1].ends_with(" 3") && rows[2].ends_with(" 1"), "{text}");
        assert_eq!(pairs_table(&matrix(&["a", "b"], &[&[2, 0], &[0, 2]])), "");
    }
}
