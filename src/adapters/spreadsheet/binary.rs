//! Numbers in the records of Excel's binary workbooks, old and new. None where the record ends before.

pub fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

pub fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

pub fn f64_at(data: &[u8], at: usize) -> Option<f64> {
    Some(f64::from_le_bytes(data.get(at..at + 8)?.try_into().ok()?))
}

/// A number in four bytes: the upper half of a floating one, or a whole one, perhaps a hundred times too large.
pub fn rk(bits: u32) -> f64 {
    let number =
        if bits & 2 != 0 { f64::from(bits.cast_signed() >> 2) } else { f64::from_bits(u64::from(bits & !3) << 32) };
    if bits & 1 != 0 { number / 100.0 } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_four_bytes_are_whole_or_halves_perhaps_a_hundred_times_too_large() {
        assert_eq!([rk(7 << 2 | 2), rk(150 << 2 | 3), rk(u32::MAX), rk(0x3FF8_0000)], [7.0, 1.5, -0.01, 1.5]);
        assert_eq!(rk(0x4062_C001), 1.5);
        assert_eq!((u16_at(&[1, 2, 3], 1), u16_at(&[1, 2, 3], 2), u32_at(&[0; 3], 0)), (Some(0x0302), None, None));
        assert_eq!(f64_at(&1.5_f64.to_le_bytes(), 0), Some(1.5));
    }
}
