//! The control words that matter to text: where a group's text goes, and which words are characters.

/// Where the text of a group goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// The document's text.
    Body,
    /// Text that stands by itself: a header, a note, a comment.
    Note,
    /// Text that no reader shows, or not every one.
    Apart,
    /// Nowhere: tables of fonts, colours and styles.
    Nowhere,
    /// The table of fonts.
    Fonts,
    /// A picture's bytes.
    Picture,
    /// An embedded object's bytes.
    Object,
    /// A property of the document.
    Property,
    /// The name that the author gives a property.
    PropertyName,
    /// The value of such a property.
    PropertyValue,
}

/// The destination that `word` opens; `optional` when it began with `\*`.
pub(super) fn destination(word: &[u8], optional: bool) -> Option<Destination> {
    let found = match word {
        b"fonttbl" => Destination::Fonts,
        b"colortbl"
        | b"stylesheet"
        | b"listtable"
        | b"listoverridetable"
        | b"revtbl"
        | b"rsidtbl"
        | b"themedata"
        | b"colorschememapping"
        | b"datastore"
        | b"latentstyles"
        | b"xmlnstbl"
        | b"filetbl"
        | b"mmathPr"
        | b"panose"
        | b"falt"
        | b"blipuid"
        | b"objclass"
        | b"pgptbl"
        | b"listpicture"
        | b"wgrffmtfilter"
        | b"datafield"
        | b"passwordhash" => Destination::Nowhere,
        b"pict" => Destination::Picture,
        b"objdata" => Destination::Object,
        b"title" | b"subject" | b"author" | b"manager" | b"company" | b"operator" | b"category"
        | b"keywords" | b"comment" | b"doccomm" | b"hlinkbase" => Destination::Property,
        b"propname" => Destination::PropertyName,
        b"staticval" => Destination::PropertyValue,
        b"header" | b"headerl" | b"headerr" | b"headerf" | b"footer" | b"footerl" | b"footerr"
        | b"footerf" | b"footnote" | b"annotation" | b"shptxt" | b"atnid" | b"atnauthor"
        | b"atrfstart" | b"atrfend" | b"nonesttables" => Destination::Note,
        b"shppict" | b"nonshppict" | b"shpinst" | b"userprops" => return None,
        _ if optional => Destination::Apart,
        _ => return None,
    };
    Some(found)
}

/// The character that `word` stands for.
pub(super) fn character(word: &[u8]) -> Option<char> {
    Some(match word {
        b"par" | b"line" | b"row" | b"sect" | b"page" | b"column" | b"nestrow" | b"softline" => {
            '\n'
        }
        b"tab" | b"cell" | b"nestcell" => '\t',
        b"emspace" | b"enspace" | b"qmspace" => ' ',
        b"emdash" | b"endash" => '-',
        b"lquote" | b"rquote" => '\'',
        b"ldblquote" | b"rdblquote" => '"',
        b"bullet" => '•',
        _ => return None,
    })
}
