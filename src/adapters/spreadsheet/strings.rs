//! The texts of a workbook, which cells name by number. A list of a million people has millions of them: they lie one behind
//! another, four bytes and their letters each.

use super::out::cut;

/// So few that their letters are always counted in four bytes.
const CHUNK: usize = 1024;

#[derive(Default)]
pub struct Strings {
    /// All of them full but the last.
    chunks: Vec<Chunk>,
}

struct Chunk {
    text: String,
    /// Where each text ends.
    ends: Vec<u32>,
}

impl Strings {
    pub fn push(&mut self, text: &str) {
        if self.chunks.last().is_none_or(|chunk| chunk.ends.len() == CHUNK) {
            if let Some(full) = self.chunks.last_mut() {
                full.text.shrink_to_fit();
            }
            self.chunks.push(Chunk { text: String::new(), ends: Vec::with_capacity(CHUNK) });
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.text.push_str(cut(text));
            chunk.ends.push(u32::try_from(chunk.text.len()).unwrap_or(u32::MAX));
        }
    }

    pub fn get(&self, number: usize) -> Option<&str> {
        let chunk = self.chunks.get(number / CHUNK)?;
        let at = number % CHUNK;
        let end = *chunk.ends.get(at)? as usize;
        let start = at.checked_sub(1).map_or(0, |before| chunk.ends[before] as usize);
        chunk.text.get(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_found_again_over_all_chunks() {
        let mut strings = Strings::default();
        for number in 0..5_000 {
            strings.push(&number.to_string());
        }
        strings.push(&"ẵ".repeat(40_000));
        strings.push("");
        for number in [0, 1, 1023, 1024, 2047, 2048, 4_999] {
            assert_eq!(strings.get(number), Some(number.to_string().as_str()));
        }
        assert_eq!(strings.get(5_000).unwrap().chars().count(), 32_767);
        assert_eq!(strings.get(5_001), Some(""));
        assert_eq!(strings.get(5_002), None);
        assert_eq!(Strings::default().get(0), None);
    }
}
