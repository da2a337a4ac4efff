//! One record of CSV (RFC 4180).

/// The fields of a record. `None` if its quotes are not in order.
pub(super) fn fields(record: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut rest = record;
    loop {
        let (field, after) = field(rest)?;
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Some(fields),
            None => return None,
        }
    }
}

/// The first field, and what follows it.
fn field(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        let (plain, after) = text.split_at(end);
        return (!plain.contains('"')).then(|| (plain.to_owned(), after));
    };
    let mut value = String::new();
    loop {
        let end = rest.find('"')?;
        value.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        // A quote within is written twice.
        match rest.strip_prefix('"') {
            Some(after) => {
                value.push('"');
                rest = after;
            }
            None => return Some((value, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_plain_and_quoted() {
        for (record, expected) in [
            ("a,b,c", &["a", "b", "c"][..]),
            ("", &[""]),
            (",", &["", ""]),
            ("\"a,b\",\"c\"\"d\",\"e\nf\"", &["a,b", "c\"d", "e\nf"]),
            ("\"\",ж", &["", "ж"]),
        ] {
            assert_eq!(fields(record).unwrap(), expected, "{record}");
        }
        for bad in ["\"a", "a\"b", "\"a\"b", "\"a\" ,b"] {
            assert_eq!(fields(bad), None, "{bad}");
        }
    }
}
