//! Placeholder pictures, drawn from ellipses and rounded rectangles: portraits of nobody, papers without a letter on
//! them. There are few; many applications refer to the same one.

use image::{DynamicImage, Rgb, RgbImage, imageops};

use crate::adapters::photos::{PhotoStore, encode};
use crate::domain::application::Sex;

type Colour = [u8; 3];

/// The names under which the photo store has the pictures.
pub struct Pictures {
    men: Vec<String>,
    women: Vec<String>,
    children: Vec<String>,
    blurred: String,
    id_fronts: [String; 2],
    id_back: String,
    birth_certificate: String,
}

impl Pictures {
    pub fn keep(photos: &PhotoStore) -> anyhow::Result<Self> {
        let keep = |picture: RgbImage| -> anyhow::Result<String> {
            Ok(photos.keep(&encode(&DynamicImage::ImageRgb8(picture))?)?)
        };
        let portraits =
            |faces: &[Face]| -> anyhow::Result<Vec<String>> { faces.iter().map(|face| keep(portrait(face))).collect() };
        Ok(Self {
            men: portraits(&MEN)?,
            women: portraits(&WOMEN)?,
            children: portraits(&CHILDREN)?,
            blurred: keep(blurred(&portrait(&MEN[1])))?,
            id_fronts: [keep(id_front(&MEN[0]))?, keep(id_front(&WOMEN[0]))?],
            id_back: keep(id_back())?,
            birth_certificate: keep(birth_certificate())?,
        })
    }

    /// One of the portraits that suit the age in years; the same for the same index.
    pub fn portrait(&self, sex: Sex, age: i32, index: u64) -> &str {
        let adults = if sex == Sex::Male { &self.men } else { &self.women };
        let suitable = match (age, adults.split_last()) {
            (..18, _) => self.children.as_slice(),
            (18..60, Some((_old, younger))) => younger,
            _ => adults.as_slice(),
        };
        let place = usize::try_from(index).unwrap_or(0) % suitable.len().max(1);
        suitable.get(place).map_or(self.blurred.as_str(), String::as_str)
    }

    pub fn blurred(&self) -> &str {
        &self.blurred
    }

    pub fn id_front(&self, sex: Sex) -> &str {
        &self.id_fronts[usize::from(sex == Sex::Female)]
    }

    pub fn id_back(&self) -> &str {
        &self.id_back
    }

    pub fn birth_certificate(&self) -> &str {
        &self.birth_certificate
    }
}

struct Face {
    wall: Colour,
    skin: Colour,
    hair: Colour,
    clothes: Colour,
    long_hair: bool,
    glasses: bool,
    /// Of the head, against an adult's.
    scale: f32,
}

const BLACK: Colour = [38, 32, 32];
const BROWN: Colour = [66, 46, 38];
const GREY: Colour = [150, 148, 146];
const LIGHT: Colour = [241, 205, 174];
const TAN: Colour = [224, 178, 140];
const WHITE: Colour = [248, 249, 250];
const INK: Colour = [70, 84, 98];
const RED: Colour = [200, 52, 48];
const GOLD: Colour = [236, 192, 78];

const fn man(wall: Colour, skin: Colour, hair: Colour, clothes: Colour, glasses: bool) -> Face {
    Face { wall, skin, hair, clothes, long_hair: false, glasses, scale: 1.0 }
}

const fn woman(wall: Colour, skin: Colour, hair: Colour, clothes: Colour, glasses: bool) -> Face {
    Face { wall, skin, hair, clothes, long_hair: true, glasses, scale: 1.0 }
}

// The last of each is old.
const MEN: [Face; 5] = [
    man([214, 228, 241], LIGHT, BLACK, [52, 84, 128], false),
    man([230, 233, 237], TAN, BLACK, [236, 238, 240], true),
    man([206, 223, 235], TAN, BROWN, [86, 96, 108], false),
    man([226, 224, 238], LIGHT, BLACK, [44, 110, 106], false),
    man([221, 232, 226], LIGHT, GREY, [112, 80, 66], true),
];
const WOMEN: [Face; 5] = [
    woman([214, 228, 241], LIGHT, BLACK, [176, 72, 92], false),
    woman([232, 232, 236], LIGHT, BROWN, [72, 98, 150], false),
    woman([222, 234, 226], TAN, BLACK, [238, 240, 242], true),
    woman([206, 223, 235], TAN, BLACK, [108, 82, 138], false),
    woman([240, 228, 222], LIGHT, GREY, [58, 122, 112], true),
];
const CHILDREN: [Face; 2] = [
    Face {
        wall: [214, 236, 240],
        skin: LIGHT,
        hair: BLACK,
        clothes: GOLD,
        long_hair: false,
        glasses: false,
        scale: 0.92,
    },
    Face {
        wall: [244, 230, 234],
        skin: LIGHT,
        hair: BLACK,
        clothes: [226, 120, 140],
        long_hair: true,
        glasses: false,
        scale: 0.92,
    },
];

/// A filled shape; all lengths are in units of which the canvas is [`Canvas::units`] wide.
enum Shape {
    Ellipse,
    /// With this radius of the corners.
    Box(f32),
}

struct Canvas {
    picture: RgbImage,
    /// Pixels per unit.
    scale: f32,
}

impl Canvas {
    fn new(width: u32, height: u32, units: f32, colour: Colour) -> Self {
        Self { picture: RgbImage::from_pixel(width, height, Rgb(colour)), scale: width as f32 / units }
    }

    /// Paints a shape around a centre, with half its width and height, and smooth edges.
    fn paint(&mut self, shape: &Shape, centre: (f32, f32), half: (f32, f32), colour: Colour) {
        let scale = self.scale;
        let (cx, cy, rx, ry) = (centre.0 * scale, centre.1 * scale, half.0 * scale, half.1 * scale);
        let (width, height) = self.picture.dimensions();
        let span = |centre: f32, half: f32, end: u32| {
            ((centre - half - 1.0).max(0.0) as u32).min(end)..((centre + half + 2.0).max(0.0) as u32).min(end)
        };
        for y in span(cy, ry, height) {
            for x in span(cx, rx, width) {
                let (dx, dy) = (x as f32 + 0.5 - cx, y as f32 + 0.5 - cy);
                // The distance to the edge in pixels, negative inside.
                let distance = match shape {
                    Shape::Ellipse => ((dx / rx).hypot(dy / ry) - 1.0) * rx.min(ry),
                    Shape::Box(radius) => {
                        let radius = radius * scale;
                        let (ox, oy) = (dx.abs() - rx + radius, dy.abs() - ry + radius);
                        ox.max(0.0).hypot(oy.max(0.0)) + ox.max(oy).min(0.0) - radius
                    }
                };
                let cover = (0.5 - distance).clamp(0.0, 1.0);
                if cover > 0.0 {
                    let pixel = self.picture.get_pixel_mut(x, y);
                    for (under, over) in pixel.0.iter_mut().zip(colour) {
                        *under = (f32::from(*under) * (1.0 - cover) + f32::from(over) * cover) as u8;
                    }
                }
            }
        }
    }

    fn ellipse(&mut self, centre: (f32, f32), half: (f32, f32), colour: Colour) {
        self.paint(&Shape::Ellipse, centre, half, colour);
    }

    /// A box by its upper left corner and its size.
    fn block(&mut self, at: (f32, f32), size: (f32, f32), radius: f32, colour: Colour) {
        let half = (size.0 / 2.0, size.1 / 2.0);
        self.paint(&Shape::Box(radius), (at.0 + half.0, at.1 + half.1), half, colour);
    }

    /// What stands for a line of print.
    fn line(&mut self, at: (f32, f32), length: f32, height: f32, colour: Colour) {
        self.block(at, (length, height), height / 2.0, colour);
    }

    fn emblem(&mut self, centre: (f32, f32), radius: f32) {
        self.ellipse(centre, (radius, radius), RED);
        self.ellipse(centre, (radius * 0.72, radius * 0.72), GOLD);
        self.ellipse(centre, (radius * 0.5, radius * 0.5), RED);
        self.ellipse(centre, (radius * 0.2, radius * 0.2), GOLD);
    }
}

fn mixed(a: Colour, b: Colour, part: f32) -> Colour {
    std::array::from_fn(|at| (f32::from(a[at]) * (1.0 - part) + f32::from(b[at]) * part) as u8)
}

/// A face and shoulders in a frame of 3:4.
fn portrait(face: &Face) -> RgbImage {
    let mut canvas = Canvas::new(360, 480, 90.0, face.wall);
    let head = face.scale;
    // Places of the head are given from its centre, so that a child's is smaller and lower.
    let on_head = |x: f32, y: f32| (45.0 + x * head, 54.0 + (1.0 - head) * 60.0 + y * head);
    let of_head = |x: f32, y: f32| (x * head, y * head);
    let shade = mixed(face.skin, [150, 92, 70], 0.25);
    let dark = mixed(face.hair, BLACK, 0.5);

    if face.long_hair {
        canvas.ellipse(on_head(0.0, -4.0), of_head(25.5, 29.0), face.hair);
        canvas.block(on_head(-25.5, -4.0), of_head(51.0, 46.0), 12.0, face.hair);
    }
    canvas.ellipse((45.0, 124.0), (40.0 * head.powi(2), 28.0), face.clothes);
    canvas.block(on_head(-9.0, 12.0), of_head(18.0, 32.0), 8.0, shade);
    canvas.ellipse((45.0, 97.0), (13.0 * head, 7.0), shade);
    canvas.ellipse(on_head(-21.5, 1.0), of_head(3.6, 6.0), shade);
    canvas.ellipse(on_head(21.5, 1.0), of_head(3.6, 6.0), shade);
    canvas.ellipse(on_head(0.0, -8.0), of_head(23.5, 25.0), face.hair);
    canvas.ellipse(on_head(0.0, 2.0), of_head(21.0, 26.5), face.skin);
    // The hair over the forehead.
    if face.long_hair {
        canvas.ellipse(on_head(-11.0, -21.0), of_head(15.0, 9.5), face.hair);
        canvas.ellipse(on_head(11.0, -21.0), of_head(15.0, 9.5), face.hair);
    } else {
        canvas.ellipse(on_head(-3.0, -24.0), of_head(20.5, 9.0), face.hair);
        canvas.ellipse(on_head(11.0, -22.0), of_head(10.5, 7.0), face.hair);
    }
    for side in [-1.0, 1.0] {
        canvas.block(on_head(side * 9.0 - 5.0, -7.0), of_head(10.0, 1.6), 0.8, dark);
        canvas.ellipse(on_head(side * 9.0, -1.0), of_head(4.2, 2.4), WHITE);
        canvas.ellipse(on_head(side * 9.0, -1.0), of_head(2.1, 2.3), BLACK);
        canvas.ellipse(on_head(side * 9.0 + 0.7, -1.7), of_head(0.6, 0.6), WHITE);
        if face.glasses {
            ring(&mut canvas, on_head(side * 9.0, -0.5), of_head(7.0, 5.6), 0.9, INK);
        }
    }
    if face.glasses {
        canvas.block(on_head(-2.2, -1.2), of_head(4.4, 1.0), 0.0, INK);
    }
    canvas.ellipse(on_head(0.0, 8.0), of_head(2.8, 2.0), shade);
    canvas.ellipse(on_head(0.0, 16.0), of_head(6.5, 2.1), [186, 92, 88]);
    canvas.block(on_head(-6.0, 15.5), of_head(12.0, 0.7), 0.3, [150, 66, 66]);
    canvas.picture
}

/// An outline of dots: enough for the rim of a pair of glasses or of a seal.
fn ring(canvas: &mut Canvas, centre: (f32, f32), half: (f32, f32), width: f32, colour: Colour) {
    for step in 0u8..120 {
        let (sin, cos) = (f32::from(step) * std::f32::consts::TAU / 120.0).sin_cos();
        canvas.ellipse((centre.0 + cos * half.0, centre.1 + sin * half.1), (width / 2.0, width / 2.0), colour);
    }
}

/// A portrait that nobody can be recognised on: out of focus and too dark.
fn blurred(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let coarse = imageops::resize(picture, 11, 15, imageops::FilterType::Triangle);
    let mut picture = imageops::resize(&coarse, width, height, imageops::FilterType::CatmullRom);
    for value in picture.iter_mut() {
        *value = (f32::from(*value) * 0.62) as u8;
    }
    picture
}

const CARD: Colour = [222, 238, 232];

/// A blank card of 86 × 54 millimetres on a desk.
fn card() -> Canvas {
    let mut canvas = Canvas::new(688, 448, 94.6, [128, 136, 144]);
    canvas.block((4.6, 4.9), (86.0, 54.0), 3.5, [96, 104, 112]);
    canvas.block((4.0, 3.8), (86.0, 54.0), 3.5, CARD);
    canvas
}

fn id_front(face: &Face) -> RgbImage {
    let mut canvas = card();
    for (at, half) in [((66.0, 38.0), 17.0), ((66.0, 38.0), 12.0), ((66.0, 38.0), 7.0)] {
        ring(&mut canvas, at, (half, half), 1.2, mixed(CARD, [120, 190, 180], 0.35));
    }
    canvas.emblem((13.0, 12.5), 6.0);
    canvas.line((28.0, 7.5), 52.0, 2.0, INK);
    canvas.line((36.0, 11.3), 36.0, 1.4, mixed(INK, CARD, 0.4));
    canvas.line((32.0, 15.6), 44.0, 3.0, RED);
    let (width, height) = (160, 213);
    let small = imageops::resize(&portrait(face), width, height, imageops::FilterType::Triangle);
    imageops::overlay(&mut canvas.picture, &small, 58, 164);
    canvas.line((35.0, 23.0), 42.0, 2.8, [52, 62, 74]);
    for (row, length) in [(29.5, 34.0), (35.0, 26.0), (40.5, 40.0), (46.0, 44.0), (50.0, 30.0)] {
        canvas.line((35.0, row), length, 1.7, mixed(INK, CARD, 0.25));
    }
    canvas.block((78.0, 22.5), (8.5, 6.5), 1.0, GOLD);
    canvas.block((81.9, 22.5), (0.6, 6.5), 0.0, mixed(GOLD, INK, 0.4));
    canvas.block((78.0, 25.5), (8.5, 0.6), 0.0, mixed(GOLD, INK, 0.4));
    canvas.picture
}

fn id_back() -> RgbImage {
    let mut canvas = card();
    for (row, length) in [(8.0, 40.0), (12.0, 30.0), (18.0, 34.0)] {
        canvas.line((8.0, row), length, 1.7, mixed(INK, CARD, 0.25));
    }
    canvas.emblem((24.0, 30.0), 5.0);
    for left in [58.0, 73.0] {
        canvas.block((left, 8.0), (12.5, 17.0), 1.0, WHITE);
        for (step, half) in [(4.6, 6.6), (3.3, 4.9), (2.0, 3.2), (0.8, 1.5)] {
            ring(&mut canvas, (left + 6.2, 16.5), (step, half), 0.5, mixed(INK, WHITE, 0.35));
        }
    }
    canvas.line((58.0, 29.0), 27.5, 1.5, mixed(INK, CARD, 0.4));
    // The zone for machines.
    canvas.block((4.0, 38.0), (86.0, 16.0), 0.0, mixed(CARD, WHITE, 0.6));
    for row in 0u8..3 {
        for column in 0u8..30 {
            let width = if (column * 7 + row * 5) % 3 == 0 { 1.1 } else { 1.7 };
            let at = (8.0 + f32::from(column) * 2.65, 40.5 + f32::from(row) * 4.3);
            canvas.block(at, (width, 2.3), 0.3, [60, 68, 78]);
        }
    }
    canvas.picture
}

/// A sheet with a double border, a heading, lines to fill in and a seal.
fn birth_certificate() -> RgbImage {
    const PAPER: Colour = [253, 248, 232];
    let mut canvas = Canvas::new(448, 640, 105.0, [128, 136, 144]);
    canvas.block((4.0, 4.0), (97.0, 142.0), 0.5, PAPER);
    for (inset, colour) in [(7.0, RED), (8.2, PAPER), (9.4, RED), (9.9, PAPER)] {
        canvas.block((inset, inset), (105.0 - 2.0 * inset, 150.0 - 2.0 * inset), 0.5, colour);
    }
    canvas.emblem((52.5, 22.0), 6.5);
    canvas.line((24.0, 33.0), 57.0, 1.8, INK);
    canvas.line((36.0, 37.2), 33.0, 1.4, mixed(INK, PAPER, 0.4));
    canvas.line((28.0, 44.0), 49.0, 4.2, RED);
    for row in 0u8..11 {
        let y = 56.0 + f32::from(row) * 6.0;
        let label = 12.0 + f32::from(row * 5 % 9);
        canvas.line((16.0, y), label, 1.7, INK);
        canvas.line((18.0 + label, y + 1.2), 68.0 - label, 0.5, mixed(INK, PAPER, 0.6));
        canvas.line((20.0 + label, y - 0.6), 24.0 + f32::from(row * 7 % 20), 1.8, mixed([40, 70, 140], PAPER, 0.2));
    }
    canvas.line((58.0, 124.0), 28.0, 1.5, INK);
    for half in [9.0, 7.6, 3.0] {
        ring(&mut canvas, (70.0, 132.0), (half, half), 0.8, RED);
    }
    canvas.picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_is_one_of_a_kind_and_large_enough_to_be_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let store = PhotoStore::new(folder.path().to_owned());
        let pictures = Pictures::keep(&store).unwrap();
        let mut all: Vec<&String> = pictures.men.iter().chain(&pictures.women).chain(&pictures.children).collect();
        all.extend([&pictures.blurred, &pictures.id_back, &pictures.birth_certificate]);
        all.extend(&pictures.id_fronts);
        for sha256 in &all {
            let picture = image::load_from_memory(&store.load(sha256).unwrap()).unwrap();
            assert!(picture.width() >= 360 && picture.height() >= 400);
        }
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 17);
    }
}
