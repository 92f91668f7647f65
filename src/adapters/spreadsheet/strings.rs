//! The texts of a workbook, which cells name by number. A list of a million people has millions of them: they lie one behind
//! another, four bytes and their letters each.

use super::out::cut;

const CHUNK_BYTES: usize = 1 << 20;
const CHUNK_TEXTS: usize = 1 << 16;

#[derive(Default)]
pub struct Strings {
    chunks: Vec<Chunk>,
    count: usize,
}

struct Chunk {
    first: usize,
    text: String,
    /// Where each text ends.
    ends: Vec<u32>,
}

impl Strings {
    pub fn push(&mut self, text: &str) {
        let text = cut(text);
        let fits = |chunk: &Chunk| chunk.text.len() + text.len() <= CHUNK_BYTES && chunk.ends.len() < CHUNK_TEXTS;
        if !self.chunks.last().is_some_and(fits) {
            self.chunks.push(Chunk { first: self.count, text: String::new(), ends: Vec::new() });
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.text.push_str(text);
            chunk.ends.push(u32::try_from(chunk.text.len()).unwrap_or(u32::MAX));
            self.count += 1;
        }
    }

    pub fn get(&self, number: usize) -> Option<&str> {
        let after = self.chunks.partition_point(|chunk| chunk.first <= number);
        let chunk = &self.chunks[after.checked_sub(1)?];
        let at = number - chunk.first;
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
        let long = "ẵ".repeat(40_000);
        for number in 0..200_000 {
            strings.push(&number.to_string());
        }
        (0..20).for_each(|_| strings.push(&long));
        strings.push("");
        for number in [0, 1, 65_535, 65_536, 131_072, 199_999] {
            assert_eq!(strings.get(number), Some(number.to_string().as_str()));
        }
        assert_eq!(strings.get(200_019).unwrap().chars().count(), 32_767);
        assert_eq!(strings.get(200_020), Some(""));
        assert_eq!(strings.get(200_021), None);
        assert_eq!(Strings::default().get(0), None);
    }
}
