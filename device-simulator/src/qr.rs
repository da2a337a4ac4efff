//! A QR code in the terminal, in half blocks: two modules to a character cell.

use qrcode::render::unicode::Dense1x2;
use qrcode::types::QrError;
use qrcode::{EcLevel, QrCode};

/// Draws `payload`. `dark_terminal`: light text on a dark ground, where a filled block is a light
/// module; cameras want dark modules on light ground, with the quiet zone around them.
pub fn draw(payload: &str, dark_terminal: bool) -> Result<String, QrError> {
    let code = QrCode::with_error_correction_level(payload, EcLevel::M)?;
    let (dark, light) = if dark_terminal {
        (Dense1x2::Light, Dense1x2::Dark)
    } else {
        (Dense1x2::Dark, Dense1x2::Light)
    };
    Ok(code
        .render::<Dense1x2>()
        .dark_color(dark)
        .light_color(light)
        .quiet_zone(true)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_drawn_in_half_blocks_with_a_quiet_zone() {
        let text = draw(r#"{"deviceId":"grow-0001","v":1}"#, false).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert!(
            text.chars()
                .all(|c| " \n\u{2580}\u{2584}\u{2588}".contains(c))
        );
        assert!(
            lines[0].trim().is_empty() && lines[1].trim().is_empty(),
            "quiet zone on top"
        );
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert_eq!(lines.len(), width.div_ceil(2));
    }

    #[test]
    fn a_dark_terminal_gets_the_opposite() {
        let light = draw("x", false).unwrap();
        let dark = draw("x", true).unwrap();
        assert!(light.lines().next().unwrap().trim().is_empty());
        assert!(
            dark.lines()
                .next()
                .unwrap()
                .chars()
                .all(|c| c == '\u{2588}')
        );
    }

    #[test]
    fn a_payload_beyond_the_largest_code_is_an_error() {
        assert!(draw(&"x".repeat(5_000), false).is_err());
    }
}
