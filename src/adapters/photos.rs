//! The photo store: pictures in a folder, each named by the SHA-256 of its bytes, so that a file that was written and not
//! yet referred to (the process died in between) does no harm.
//!
//! Nothing is kept as it was uploaded. A picture is decoded within limits, turned by its EXIF orientation, made smaller and
//! encoded anew, so that neither hidden data nor a place where it was taken remains.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

/// The largest upload, in bytes.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;
/// The largest picture, in pixels.
pub const MAX_PIXELS: u64 = 50_000_000;
/// The longest side of a stored picture.
const MAX_SIDE: u32 = 1200;
const QUALITY: u8 = 85;
/// The shortest side that still shows a face.
const MIN_SIDE: u32 = 100;

/// Why a file is no usable picture: a sentence for the officer.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    #[error("Tệp không phải ảnh JPEG, PNG hoặc WebP. Hãy chọn tệp khác.")]
    NotAPicture,
    #[error("Tệp ảnh bị hỏng, không đọc được. Hãy chụp hoặc quét lại.")]
    Damaged,
    #[error("Ảnh lớn hơn 50 megapixel (25 nếu ảnh 16 bit màu). Hãy giảm độ phân giải khi chụp hoặc quét.")]
    TooManyPixels,
    #[error("Ảnh quá nhỏ (dưới {MIN_SIDE} điểm ảnh mỗi cạnh), không thể đối chiếu. Hãy chọn ảnh lớn hơn.")]
    TooSmall,
    #[error("photo store: {0}")]
    Io(#[from] std::io::Error),
}

#[derive(Clone)]
pub struct PhotoStore {
    folder: PathBuf,
    /// Decoding the largest picture and turning it takes 400 MB for a moment: one at a time.
    decoding: Arc<Semaphore>,
}

impl PhotoStore {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, decoding: Arc::new(Semaphore::new(1)) }
    }

    fn path(&self, sha256: &str) -> PathBuf {
        self.folder.join(sha256.get(..2).unwrap_or("00")).join(format!("{sha256}.jpg"))
    }

    /// Cleans an uploaded picture and keeps it; returns the name it is found by.
    pub async fn add(&self, upload: Vec<u8>) -> Result<String, PhotoError> {
        let _permit = self.decoding.acquire().await.map_err(std::io::Error::other)?;
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.keep(&clean(&upload)?)).await.map_err(std::io::Error::other)?
    }

    /// Keeps a picture that is clean already. Blocks.
    pub fn keep(&self, jpeg: &[u8]) -> Result<String, PhotoError> {
        let sha256: String = Sha256::digest(jpeg).iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self.path(&sha256);
        if !path.exists() {
            write_whole(&path, jpeg)?;
        }
        Ok(sha256)
    }

    /// The bytes of a JPEG picture. Blocks.
    pub fn load(&self, sha256: &str) -> std::io::Result<Vec<u8>> {
        std::fs::read(self.path(sha256))
    }

    /// Removes a picture for good: what refers to it is forgotten next. One that is not there is removed already. Blocks.
    pub fn remove(&self, sha256: &str) -> std::io::Result<()> {
        let path = self.path(sha256);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all(),
        }
    }
}

/// Writes a file whole or not at all, and for good: a reference to it is committed next.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let folder = path.parent().unwrap_or(Path::new("."));
    crate::config::private_folder(folder)?;
    let temporary = folder.join(format!(".{:032x}.tmp", rand::random::<u128>()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    std::fs::File::open(folder)?.sync_all()
}

/// Decodes, turns, shrinks and encodes anew.
fn clean(upload: &[u8]) -> Result<Vec<u8>, PhotoError> {
    let reader = ImageReader::new(Cursor::new(upload)).with_guessed_format()?;
    if !matches!(reader.format(), Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) {
        return Err(PhotoError::NotAPicture);
    }
    let mut decoder = reader.into_decoder().map_err(|_| PhotoError::Damaged)?;
    let (width, height) = decoder.dimensions();
    // Sixteen bits a channel take twice the room.
    if u64::from(width) * u64::from(height) > MAX_PIXELS || decoder.total_bytes() > MAX_PIXELS * 4 {
        return Err(PhotoError::TooManyPixels);
    }
    if width.min(height) < MIN_SIDE {
        return Err(PhotoError::TooSmall);
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_PIXELS * 4 + 16 * 1024 * 1024);
    decoder.set_limits(limits).map_err(|_| PhotoError::TooManyPixels)?;
    let orientation = decoder.orientation().map_err(|_| PhotoError::Damaged)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|_| PhotoError::Damaged)?;
    if width.max(height) > MAX_SIDE {
        picture = picture.resize(MAX_SIDE, MAX_SIDE, image::imageops::FilterType::Triangle);
    }
    picture.apply_orientation(orientation);
    encode(&picture)
}

/// A picture as it is stored.
pub fn encode(picture: &DynamicImage) -> Result<Vec<u8>, PhotoError> {
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    on_white(picture).write_with_encoder(encoder).map_err(std::io::Error::other)?;
    Ok(jpeg)
}

/// Transparent places become white, as on paper.
fn on_white(picture: &DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return DynamicImage::ImageRgb8(picture.to_rgb8());
    }
    let picture = picture.to_rgba8();
    let blend =
        |value: u8, alpha: u16| u8::try_from((u16::from(value) * alpha + 255 * (255 - alpha)) / 255).unwrap_or(255);
    DynamicImage::ImageRgb8(image::RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, a] = picture.get_pixel(x, y).0;
        image::Rgb([r, g, b].map(|value| blend(value, u16::from(a))))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let picture = DynamicImage::ImageRgba8(image::RgbaImage::from_fn(width, height, |x, _| {
            image::Rgba([if x < width / 2 { 255 } else { 0 }, 0, 0, 255])
        }));
        picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    /// The JPEG with an EXIF segment that says: turn by 90° clockwise.
    fn turned(jpeg: &[u8]) -> Vec<u8> {
        let tiff: &[u8] = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let mut exif = vec![0xFF, 0xD8, 0xFF, 0xE1];
        exif.extend(u16::try_from(2 + 6 + tiff.len()).unwrap().to_be_bytes());
        exif.extend(b"Exif\0\0");
        exif.extend(tiff);
        exif.extend(&jpeg[2..]);
        exif
    }

    #[test]
    fn a_picture_is_turned_shrunk_and_stripped() {
        let wide = encode(&image::load_from_memory(&png(2400, 1200)).unwrap()).unwrap();
        let cleaned = clean(&turned(&wide)).unwrap();
        assert!(!cleaned.windows(4).any(|window| window == b"Exif"));
        let picture = image::load_from_memory(&cleaned).unwrap().to_rgb8();
        assert_eq!(picture.dimensions(), (600, 1200));
        assert!(picture.get_pixel(300, 100).0[0] > 200, "the left, red half is now above");
        assert!(picture.get_pixel(300, 1100).0[0] < 60);
    }

    #[test]
    fn what_is_no_picture_is_refused_with_a_sentence() {
        assert!(matches!(clean(b"<svg onload=alert(1)>"), Err(PhotoError::NotAPicture)));
        assert!(matches!(clean(b"GIF89a\x01\0\x01\0\0\0\0;"), Err(PhotoError::NotAPicture)));
        assert!(matches!(clean(&[]), Err(PhotoError::NotAPicture)));
        assert!(matches!(clean(&png(200, 200)[..400]), Err(PhotoError::Damaged)));
        assert!(matches!(clean(&png(50, 400)), Err(PhotoError::TooSmall)));
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        // A PNG header that promises 20,000 × 20,000 pixels.
        let mut bomb = png(200, 200);
        bomb[16..20].copy_from_slice(&20_000u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&20_000u32.to_be_bytes());
        let crc = crc32(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&crc.to_be_bytes());
        assert!(matches!(clean(&bomb), Err(PhotoError::TooManyPixels)));
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
        })
    }
}
