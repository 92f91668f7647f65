//! Agencies. Parent, province and code are separate: nothing is derived from the code (domain guide, section 4).

use super::text::{self, FieldError};

/// An agency's own code: 3 digits for one of province level (`001`), 5 for a unit (`00101`).
///
/// # Errors
/// Anything else.
pub fn parse_code(raw: &str) -> Result<String, FieldError> {
    let code = text::required_line(raw, 20)?;
    if matches!(code.len(), 3 | 5) && code.bytes().all(|b| b.is_ascii_digit()) {
        Ok(code)
    } else {
        Err(FieldError::new("Mã cơ quan có 3 chữ số (cấp tỉnh, trung ương) hoặc 5 chữ số (cơ sở)."))
    }
}

/// Its name, as it stands on papers: "Bảo hiểm xã hội cơ sở Ba Đình".
///
/// # Errors
/// Nothing typed, or more than 150 characters.
pub fn parse_name(raw: &str) -> Result<String, FieldError> {
    text::required_line(raw, 150)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_three_or_five_digits() {
        assert_eq!(parse_code(" 00101 "), Ok("00101".into()));
        for wrong in ["", "1", "0010", "00a01", "001011"] {
            assert!(parse_code(wrong).is_err(), "{wrong}");
        }
    }
}
