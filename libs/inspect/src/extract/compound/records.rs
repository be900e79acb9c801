/// Records of Excel before 2007: two bytes of kind, two of length, and a body.
pub(super) struct Records<'b> {
    rest: &'b [u8],
}

impl<'b> Records<'b> {
    pub(super) fn new(stream: &'b [u8]) -> Self {
        Self { rest: stream }
    }

    /// Whether something is left that is not a whole record.
    pub(super) fn is_cut(&self) -> bool {
        self.rest.iter().any(|byte| *byte != 0)
    }
}

impl<'b> Iterator for Records<'b> {
    type Item = (u16, &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (header, rest) = self.rest.split_first_chunk::<4>()?;
        let kind = u16::from_le_bytes([header[0], header[1]]);
        let length = usize::from(u16::from_le_bytes([header[2], header[3]]));
        let body = rest.get(..length)?;
        self.rest = &rest[length..];
        Some((kind, body))
    }
}
