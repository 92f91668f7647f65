//! Which words can be Vietnamese: enough to tell one encoding of a text from another, not to correct spelling.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

const ONSETS: &str = "ngh ng nh gh gi kh ch th tr ph qu b c d đ g h k l m n p r s t v x";

const RIMES: &str = "a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây \
    e ec em en eng eo ep et ê êch êm ên ênh êp êt êu êng i ich im in inh ip it iu ia iêc iêm iên iêng iêp iêt iêu \
    o oc oi om on ong op ot oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oe oen oeo oet ooc \
    oong ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt u uc ui um un ung up ut ua uân uâng uât uây uê uêch uênh uơ uôc uôi \
    uôm uôn uông uôt uy uya uych uynh uyn uyt uyu uyên uyêt ư ưc ưi ưm ưn ưng ưt ưu ưa ươc ươi ươm ươn ương ươp ươt \
    ươu y yêm yên yêng yêt yêu ynh ych yt";

const TONES: [char; 5] = ['\u{300}', '\u{301}', '\u{303}', '\u{309}', '\u{323}'];

/// Whether this is how a syllable is written: an onset, a rime, and at most one tone, which closed syllables restrict.
pub fn is_syllable(word: &str) -> bool {
    static PARTS: LazyLock<(Vec<&str>, HashSet<&str>)> =
        LazyLock::new(|| (ONSETS.split_whitespace().collect(), RIMES.split_whitespace().collect()));
    let (onsets, rimes) = &*PARTS;
    let lower = word.to_lowercase();
    let tones: Vec<char> = lower.nfd().filter(|c| TONES.contains(c)).collect();
    let bare: String = lower.nfd().filter(|c| !TONES.contains(c)).nfc().collect();
    let closed = bare.ends_with(['c', 'p', 't']) || bare.ends_with("ch");
    let tone_fits = match tones[..] {
        [] => !closed,
        [tone] => !closed || matches!(tone, '\u{301}' | '\u{323}'),
        _ => false,
    };
    let is_rime = |rest: &str| rimes.contains(rest);
    tone_fits && (is_rime(&bare) || onsets.iter().any(|onset| bare.strip_prefix(onset).is_some_and(is_rime)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_syllables_and_what_other_encodings_make_of_them_is_not() {
        for word in "Nguyễn Trần Lê Phạm Huỳnh Hoàng Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Quý Quyết Giang Nghĩa \
            Khuê Thủy thuỷ Hoà Khỏe Tuyết Ước Yến Ích Ỷ mã số họ và tên giới tính ngày tháng năm sinh quốc tịch địa chỉ \
            điện thoại quan hệ chủ hộ ghi chú"
            .split_whitespace()
        {
            assert!(is_syllable(word), "{word}");
        }
        for word in ["NguyÔn", "ThÞ", "Traàn", "Ñöùc", "Hélène", "été", "Müller", "fürn", "mats", "hôc", "x", "2"]
        {
            assert!(!is_syllable(word), "{word}");
        }
    }
}
