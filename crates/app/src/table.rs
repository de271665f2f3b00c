//! Tables of plain text whose columns are aligned by what a terminal shows.

use console::measure_text_width;

/// Rows of cells under a head. The last column is not padded, so that no line ends in spaces.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    #[must_use]
    pub fn new(head: impl IntoIterator<Item = String>) -> Table {
        Table { rows: vec![head.into_iter().collect()] }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines, each with its newline.
    #[must_use]
    pub fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| measure_text_width(cell)).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(width.saturating_sub(measure_text_width(cell)) + 2));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_aligned_by_width_and_not_by_bytes() {
        let mut table = Table::new(["имя".to_owned(), "n".to_owned()]);
        table.row(["ab".to_owned(), "1".to_owned()]);
        table.row(["日本".to_owned(), String::new()]);
        assert_eq!(table.text(), "имя   n\nab    1\n日本\n");
    }
}
