//! Plain tables for people: columns as wide as their widest cell, and nothing a terminal would act on.

/// A cell from the server's text: one line, no control characters, at most `width` characters.
pub fn cell(text: &str, width: usize) -> String {
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if shown.chars().count() <= width {
        return shown;
    }
    let mut cut: String = shown.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Lays rows out in columns; the last column is left as it is.
pub fn layout(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_one_harmless_line() {
        assert_eq!(cell("a\nb\u{1b}[31m", 20), "a b [31m");
        assert_eq!(cell("0123456789", 5), "0123…");
    }

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["1".into(), "recorded".into(), "x".into()], vec!["10".into(), "é".into(), "y".into()]];
        assert_eq!(layout(&rows), "1   recorded  x\n10  é         y\n");
    }
}
