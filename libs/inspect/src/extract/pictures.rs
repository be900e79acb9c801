//! Pictures on their way to who reads them: collected under bounds on their number, bytes, pixels and pages.

use std::borrow::Cow;

use super::harvest::Harvest;
use super::raster;
use crate::{Picture, Place, Unread};

impl Harvest<'_> {
    /// Whether anybody reads pictures.
    pub(crate) fn reads_pictures(&self) -> bool {
        self.limits.pictures_max > 0
    }

    /// How many pictures are collected.
    pub(crate) fn pictures(&self) -> usize {
        self.pictures.len()
    }

    /// Collects a picture, or notes why it will not be read. One beside text need not have any writing: unless it
    /// passes a bound, that it is not read is not noted.
    pub(crate) fn picture(&mut self, place: Place, bytes: Cow<'_, [u8]>, beside_text: bool) {
        let unread = |harvest: &mut Self, why: Unread| {
            if !beside_text {
                harvest.note(why.into());
            }
        };
        if !self.reads_pictures() {
            return unread(self, Unread::NotRead);
        }
        let Some(raster) = raster::measure(&bytes, self.limits.picture_pages_max) else {
            return unread(self, Unread::Format);
        };
        if raster.pixels > self.limits.picture_pixels_max {
            return self.limit("picture_pixels_max");
        }
        if self.pictures.len() >= self.limits.pictures_max {
            return self.limit("pictures_max");
        }
        if self.pictures_bytes + bytes.len() > self.limits.pictures_bytes_max {
            return self.limit("pictures_bytes_max");
        }
        let mut bytes = bytes.into_owned();
        if raster.more_frames {
            unread(self, Unread::Frames);
        }
        if let Some(link) = raster.cut_at.and_then(|at| bytes.get_mut(at..at + 4)) {
            link.fill(0);
            self.limit("picture_pages_max");
        }
        self.pictures_bytes += bytes.len();
        self.pictures.push(Picture {
            place,
            bytes,
            beside_text,
        });
    }

    /// There was no text beside the pictures from that one on: what they hold is all there is.
    pub(crate) fn stands_alone(&mut self, from: usize) {
        for picture in self.pictures.iter_mut().skip(from) {
            picture.beside_text = false;
        }
    }

    pub(crate) fn take_pictures(&mut self) -> Vec<Picture> {
        std::mem::take(&mut self.pictures)
    }
}
