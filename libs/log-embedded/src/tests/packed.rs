//! Records that are packed into blocks, as the pages of a feed are.

use super::*;

/// Records of a page; several blocks of them.
const PAGE: u64 = 500;

/// A page of a feed: every record says nearly the same.
fn page(first: u64) -> Vec<LogRecord> {
    (first..first + PAGE)
        .map(|n| record(&format!("{n} {}", "what the others say too, ".repeat(20))))
        .collect()
}

fn number(one: &Delivered) -> u64 {
    let text = String::from_utf8(one.record.value.to_vec()).unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_reader_stops_and_goes_on_within_a_block() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    for first in [0, PAGE] {
        log.append(Topic::Activity, page(first)).await.unwrap();
    }
    let bytes = fs::metadata(segment(dir.path(), 0)).unwrap().len();
    assert!(bytes < 2 * PAGE * 100, "they are packed: {bytes} bytes");
    let mut committed = 0;
    for records_max in [7, 1, 130, 256, 1_000] {
        // Each reader goes on where the one before committed, not where it had read to.
        let mut reader = log.reader(Topic::Activity, "g").await.unwrap();
        for again in 0..2 {
            let batch = reader.next(records_max, NO_WAIT).await.unwrap();
            let numbers: Vec<u64> = batch.iter().map(number).collect();
            let first = committed + again * records_max as u64;
            let last = (first + records_max as u64).min(2 * PAGE);
            assert_eq!(numbers, (first.min(last)..last).collect::<Vec<_>>());
            let offsets: Vec<u64> = batch.iter().map(|one| one.place.offset).collect();
            assert_eq!(offsets, numbers);
            if again == 0 {
                let places: Vec<_> = batch.iter().map(|one| one.place).collect();
                reader.commit(&places).await.unwrap();
            }
        }
        committed += records_max as u64;
    }
    let mut scan = log.scan(Topic::Activity).await.unwrap();
    let mut scanned = Vec::new();
    while let Some(batch) = Some(scan.next(33).await.unwrap()).filter(|batch| !batch.is_empty()) {
        assert!(batch.len() <= 33);
        scanned.extend(batch.iter().map(number));
    }
    assert_eq!(scanned, (0..2 * PAGE).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_flipped_bit_in_a_block_of_before_is_told_and_is_no_torn_tail() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    for first in [0, PAGE] {
        log.append(Topic::Activity, page(first)).await.unwrap();
    }
    let mut reader = log.reader(Topic::Activity, "g").await.unwrap();
    let path = segment(dir.path(), 0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[frame::MAGIC.len() + frame::HEAD_BYTES + 100] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = reader.next(10, NO_WAIT).await.unwrap_err();
    assert!(
        error.source.to_string().contains("damaged at byte 8"),
        "{error:?}"
    );
    drop((log, reader));
    assert!(matches!(
        open(dir.path()),
        Err(OpenError::Damaged { at: 8, .. })
    ));
}
