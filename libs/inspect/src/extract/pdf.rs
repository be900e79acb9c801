//! Text out of PDF: page contents with their forms, annotations, form fields, document properties,
//! XMP, and files attached to the document. `lopdf` reads objects and cross references; streams are
//! decompressed here, under the budget that the whole extraction shares.
//!
//! What a page shows without saying (scans, fonts that map to no characters) is noted: a page
//! without text never reads as clean.

mod asides;
mod content;
mod font;
mod glyphs;
mod layout;
mod pictures;
mod token;

use std::cell::RefCell;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId, Stream};
use memchr::memmem;

use super::harvest::Harvest;
use super::{extract_part, office};
use crate::{Field, Place, Reason, Unread};
use content::{Interpreter, Shown};

/// Bytes that one object or cross-reference stream may decompress to while the file is loaded.
const OBJECT_STREAM_BYTES_MAX: usize = 32 << 20;
/// Form fields within form fields, and fields in all.
const FORM_DEPTH_MAX: usize = 32;
const FORM_FIELDS_MAX: usize = 10_000;
/// Parents that a page may inherit from.
const PAGE_PARENTS_MAX: usize = 64;
/// Annotations of one page.
const ANNOTATIONS_MAX: usize = 10_000;

pub(crate) fn extract(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place, depth: usize) {
    if depth >= harvest.limits.depth_max {
        return harvest.limit("depth_max");
    }
    // The parser is not ours and reads hostile bytes: should it panic, that is a blind spot.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        if let Some(document) = load(harvest, bytes) {
            Pdf {
                document: &document,
                place,
                depth,
                pictures_seen: RefCell::default(),
            }
            .read(harvest);
        }
    }));
    if outcome.is_err() {
        harvest.malformed("pdf");
    }
}

fn load(harvest: &mut Harvest<'_>, bytes: &[u8]) -> Option<Document> {
    if !object_streams_fit(harvest, bytes) {
        return None;
    }
    let most = harvest
        .limits
        .expanded_bytes_max
        .min(OBJECT_STREAM_BYTES_MAX);
    let options = LoadOptions::with_max_decompressed_size(most);
    match Document::load_mem_with_options(bytes, options) {
        Ok(document) if document.is_encrypted() => {
            harvest.note(Reason::Encrypted);
            None
        }
        Ok(document) => {
            if memmem::rfind(bytes, b"%%EOF").is_none() {
                harvest.malformed("pdf is cut off");
            }
            Some(document)
        }
        Err(lopdf::Error::InvalidPassword | lopdf::Error::Decryption(_)) => {
            harvest.note(Reason::Encrypted);
            None
        }
        Err(_) if memmem::find(bytes, b"/Encrypt").is_some() => {
            harvest.note(Reason::Encrypted);
            None
        }
        Err(_) => {
            harvest.malformed("pdf");
            None
        }
    }
}

/// Object streams are decompressed while the file is loaded, each under its own bound: so their
/// sum is measured first.
fn object_streams_fit(harvest: &mut Harvest<'_>, bytes: &[u8]) -> bool {
    const DICTIONARY_BYTES_MAX: usize = 512;
    // Each byte belongs to one stream at most, so what is measured is never longer than the file.
    let mut rest = bytes;
    while let Some(at) = memmem::find(rest, b"/ObjStm") {
        rest = &rest[at + 1..];
        let near = &rest[..rest.len().min(DICTIONARY_BYTES_MAX)];
        let Some(start) = memmem::find(near, b"stream") else {
            continue;
        };
        let content = rest[start + b"stream".len()..].trim_ascii_start();
        let end = memmem::find(content, b"endstream").unwrap_or(content.len());
        let dictionary = Dictionary::from_iter([("Filter", Object::Name(b"FlateDecode".to_vec()))]);
        let stream = Stream::new(dictionary, content[..end].to_vec());
        if inflate(harvest, &stream).is_none() {
            return false;
        }
        rest = &content[end..];
    }
    true
}

/// The stream's content, decompressed within the budget; `None` with the reason noted.
fn inflate(harvest: &mut Harvest<'_>, stream: &Stream) -> Option<Vec<u8>> {
    let compressed = stream.content.len();
    let most = harvest.expansion_left(compressed);
    match stream.decompressed_content_with_limit(most) {
        Ok(content) => {
            harvest.expanded(content.len());
            harvest.work(content.len() as u64).then_some(content)
        }
        Err(lopdf::Error::Decompress(_)) => {
            harvest.expansion_refused(compressed);
            None
        }
        Err(_) => {
            harvest.unsupported("pdf stream filter");
            None
        }
    }
}

struct Pdf<'p> {
    document: &'p Document,
    place: &'p Place,
    depth: usize,
    /// Pictures that were collected, for pages share them.
    pictures_seen: RefCell<HashSet<ObjectId>>,
}

impl Pdf<'_> {
    fn read(&self, harvest: &mut Harvest<'_>) {
        self.properties(harvest);
        let mut interpreter = Interpreter::new(self.document);
        let mut pages = 0;
        for (index, page) in self.document.page_iter().enumerate() {
            pages += 1;
            if !harvest.page() {
                break;
            }
            let place = self.place.within(&format!("page {}", index + 1));
            self.page(harvest, &mut interpreter, page, &place);
        }
        if pages == 0 {
            harvest.malformed("pdf without pages");
        }
        if interpreter.met_unmapped() {
            harvest.unsupported("pdf font without characters");
        }
        self.form(harvest);
        let asides = asides::text(self.document, harvest, self.information());
        harvest.push(self.place.within("asides"), asides);
        self.attachments(harvest);
    }

    fn page(
        &self,
        harvest: &mut Harvest<'_>,
        interpreter: &mut Interpreter<'_>,
        page: ObjectId,
        place: &Place,
    ) {
        let Ok(dictionary) = self.document.get_dictionary(page) else {
            return harvest.malformed("pdf page");
        };
        let mut source = Vec::new();
        for id in self.document.get_page_contents(page) {
            if let Ok(stream) = self.document.get_object(id).and_then(Object::as_stream)
                && let Some(content) = inflate(harvest, stream)
            {
                source.extend_from_slice(&content);
                source.push(b'\n');
            }
        }
        let resources = self.resources(dictionary);
        let shown = interpreter.page(harvest, &source, resources.as_ref());
        if shown.text.is_empty() {
            self.pictures(harvest, &shown, place);
        }
        for reading in shown.text {
            harvest.push(place.clone(), reading);
        }
        harvest.push(place.within("asides"), shown.said);
        self.annotations(harvest, interpreter, dictionary, place);
    }

    /// What a page without text shows instead.
    fn pictures(&self, harvest: &mut Harvest<'_>, shown: &Shown, place: &Place) {
        let without_reader = !harvest.reads_pictures() && !shown.pictures.is_empty();
        if shown.other_pictures > 0 || without_reader {
            harvest.note(Unread::NotRead.into());
        }
        if without_reader {
            return;
        }
        for (index, id) in shown.pictures.iter().enumerate() {
            // What one page has shown is read once.
            if !self.pictures_seen.borrow_mut().insert(*id) {
                continue;
            }
            if let Ok(stream) = self.document.get_object(*id).and_then(Object::as_stream)
                && let Some(file) = pictures::file(harvest, self.document, stream)
            {
                let place = place.within(&format!("picture {}", index + 1));
                harvest.picture(place, file.into(), false);
            }
        }
    }

    /// The page's resources, its own or its nearest ancestor's.
    fn resources(&self, page: &Dictionary) -> Option<Dictionary> {
        let mut node = page;
        for _ in 0..PAGE_PARENTS_MAX {
            if let Ok(found) = node.get_deref(b"Resources", self.document)
                && let Ok(found) = found.as_dict()
            {
                return Some(found.clone());
            }
            node = node
                .get_deref(b"Parent", self.document)
                .ok()?
                .as_dict()
                .ok()?;
        }
        None
    }

    fn annotations(
        &self,
        harvest: &mut Harvest<'_>,
        interpreter: &mut Interpreter<'_>,
        page: &Dictionary,
        place: &Place,
    ) {
        let Ok(list) = page
            .get_deref(b"Annots", self.document)
            .and_then(Object::as_array)
        else {
            return;
        };
        let mut text = String::new();
        for annotation in list.iter().take(ANNOTATIONS_MAX) {
            let Some(annotation) = self.dictionary(annotation) else {
                continue;
            };
            for key in [&b"Contents"[..], b"RC", b"Subj", b"TU"] {
                self.append(annotation, key, &mut text);
            }
            if let Some(action) = annotation.get(b"A").ok().and_then(|a| self.dictionary(a)) {
                self.append(action, b"URI", &mut text);
            }
            self.appearance(harvest, interpreter, annotation, place);
        }
        harvest.push(place.within("annotations"), text);
    }

    /// What an annotation shows, which need not be what it says.
    fn appearance(
        &self,
        harvest: &mut Harvest<'_>,
        interpreter: &mut Interpreter<'_>,
        annotation: &Dictionary,
        place: &Place,
    ) {
        let look = annotation
            .get_deref(b"AP", self.document)
            .and_then(Object::as_dict);
        let Ok(Object::Stream(stream)) = look.and_then(|look| look.get_deref(b"N", self.document))
        else {
            return;
        };
        let resources = stream.dict.get_deref(b"Resources", self.document);
        let resources = resources.and_then(Object::as_dict).ok();
        if let Some(source) = inflate(harvest, stream) {
            for reading in interpreter.page(harvest, &source, resources).text {
                harvest.push(place.within("annotations"), reading);
            }
        }
    }

    /// Values of the document's form, each under its field's name.
    fn form(&self, harvest: &mut Harvest<'_>) {
        let Ok(catalog) = self.document.catalog() else {
            return;
        };
        let Some(form) = catalog
            .get(b"AcroForm")
            .ok()
            .and_then(|form| self.dictionary(form))
        else {
            return;
        };
        if let Ok(packets) = form.get_deref(b"XFA", self.document) {
            asides::dynamic_form(self.document, harvest, packets, &self.place.within("form"));
        }
        let mut walk = FormWalk {
            text: String::new(),
            fields: Vec::new(),
            seen: 0,
        };
        self.form_fields(form, b"Fields", "", 0, &mut walk);
        harvest.push_fields(self.place.within("form"), walk.text, walk.fields);
    }

    fn form_fields(
        &self,
        parent: &Dictionary,
        key: &[u8],
        path: &str,
        depth: usize,
        walk: &mut FormWalk,
    ) {
        let Ok(list) = parent
            .get_deref(key, self.document)
            .and_then(Object::as_array)
        else {
            return;
        };
        for field in list {
            walk.seen += 1;
            if depth >= FORM_DEPTH_MAX || walk.seen > FORM_FIELDS_MAX {
                return;
            }
            let Some(field) = self.dictionary(field) else {
                continue;
            };
            let mut name = path.to_owned();
            self.append(field, b"T", &mut name);
            let mut value = String::new();
            self.append(field, b"V", &mut value);
            if !value.trim().is_empty() {
                let start = walk.text.len();
                walk.text.push_str(value.trim());
                let (end, name) = (walk.text.len(), Arc::from(name.replace('\n', " ").trim()));
                walk.fields.push(Field {
                    start,
                    end,
                    name,
                    cell: None,
                });
                walk.text.push('\n');
            }
            self.form_fields(field, b"Kids", &name, depth + 1, walk);
        }
    }

    fn information(&self) -> Option<&Dictionary> {
        let told = self.document.trailer.get(b"Info").ok()?;
        self.dictionary(told)
    }

    /// Document properties, from the information dictionary and from XMP.
    fn properties(&self, harvest: &mut Harvest<'_>) {
        let information = self.information();
        let mut text = String::new();
        for (name, _) in information.into_iter().flat_map(Dictionary::iter) {
            let mut value = String::new();
            self.append(
                information.unwrap_or(&self.document.trailer),
                name,
                &mut value,
            );
            harvest.property(&String::from_utf8_lossy(name), &value);
            text.push_str(&value);
        }
        harvest.push(self.place.within("properties"), text);
        let metadata = self
            .document
            .catalog()
            .and_then(|c| c.get_deref(b"Metadata", self.document));
        if let Ok(Object::Stream(stream)) = metadata
            && let Some(xmp) = inflate(harvest, stream)
        {
            office::extract_properties(harvest, &xmp, &self.place.within("xmp"));
        }
    }

    fn attachments(&self, harvest: &mut Harvest<'_>) {
        for (name, id) in self.attached() {
            if !harvest.member() {
                return;
            }
            if let Ok(stream) = self.document.get_object(id).and_then(Object::as_stream)
                && let Some(content) = inflate(harvest, stream)
            {
                let place = self.place.within(&name);
                extract_part(harvest, &content, Some(&name), &place, self.depth + 1);
            }
        }
    }

    /// Every file attached anywhere in the document, under its name.
    fn attached(&self) -> Vec<(String, ObjectId)> {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for file in asides::dictionaries(self.document) {
            let Some(versions) = file.get(b"EF").ok().and_then(|ef| self.dictionary(ef)) else {
                continue;
            };
            let mut name = String::new();
            self.append(file, if file.has(b"UF") { b"UF" } else { b"F" }, &mut name);
            let ids = versions
                .iter()
                .filter_map(|(_, version)| version.as_reference().ok());
            found.extend(
                ids.filter(|id| seen.insert(*id))
                    .map(|id| (name.trim().to_owned(), id)),
            );
        }
        for (id, object) in &self.document.objects {
            if object
                .as_stream()
                .is_ok_and(|s| s.dict.has_type(b"EmbeddedFile"))
                && seen.insert(*id)
            {
                found.push(("attachment".to_owned(), *id));
            }
        }
        found
    }

    fn dictionary<'o>(&'o self, object: &'o Object) -> Option<&'o Dictionary> {
        self.document.dereference(object).ok()?.1.as_dict().ok()
    }

    /// Appends the text of `key`'s value, be it a string, a name, or a list of them.
    fn append(&self, dictionary: &Dictionary, key: &[u8], text: &mut String) {
        let Ok(value) = dictionary.get_deref(key, self.document) else {
            return;
        };
        let values = match value {
            Object::Array(values) => values.as_slice(),
            single => std::slice::from_ref(single),
        };
        for value in values {
            match value {
                Object::String(bytes, _) => match lopdf::decode_text_string(value) {
                    Ok(decoded) => text.push_str(&decoded),
                    Err(_) => text.push_str(&String::from_utf8_lossy(bytes)),
                },
                Object::Name(name) => text.push_str(&String::from_utf8_lossy(name)),
                Object::Integer(number) => text.push_str(&number.to_string()),
                _ => continue,
            }
            text.push('\n');
        }
    }
}

struct FormWalk {
    text: String,
    fields: Vec<Field>,
    seen: usize,
}
