//! What a crash leaves of the group that was being written.

use super::*;

/// What became of the bytes of a group that no fsync had covered.
#[derive(Debug, Clone)]
enum Fate {
    CutAt(prop::sample::Index),
    Flipped(prop::sample::Index),
    Zeroed(prop::sample::Index, prop::sample::Index),
}

fn fate() -> impl Strategy<Value = Fate> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        place().prop_map(Fate::CutAt),
        place().prop_map(Fate::Flipped),
        (place(), place()).prop_map(|(a, b)| Fate::Zeroed(a, b)),
    ]
}

fn befall(group: &mut Vec<u8>, fate: &Fate) {
    match fate {
        Fate::CutAt(at) => group.truncate(at.index(group.len())),
        Fate::Flipped(bit) => {
            let bit = bit.index(group.len() * 8);
            group[bit / 8] ^= 1 << (bit % 8);
        }
        Fate::Zeroed(a, b) => {
            let (a, b) = (a.index(group.len()), b.index(group.len()));
            group[a.min(b)..a.max(b)].fill(0);
        }
    }
}

/// Of calls: a few records stand alone, many are packed.
fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![1usize..4, 5usize..60]
}

fn calls_of(sizes: &[usize], first: usize) -> Vec<Vec<LogRecord>> {
    let mut n = first;
    let mut call = |size: &usize| {
        (0..*size)
            .map(|_| {
                n += 1;
                record(&format!("{}", n - 1))
            })
            .collect()
    };
    sizes.iter().map(&mut call).collect()
}

/// The bytes of one group of calls, as the writer writes them.
fn group_bytes(calls: &[Vec<LogRecord>], first: u64, group_at: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for call in calls {
        bytes.extend(frame::encode_call(call).unwrap());
    }
    frame::stamp(&mut bytes, first, 0, group_at);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The crash model: what was acknowledged is on disk; of the group being written, any bytes.
    #[test]
    fn after_a_crash_everything_acknowledged_is_read_and_nothing_is_invented(
        acknowledged in proptest::collection::vec(sizes(), 1..6),
        unfinished in proptest::collection::vec(sizes(), 1..6),
        fate in fate(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let log = open(dir.path()).unwrap();
            for call in calls_of(&acknowledged, 0) {
                log.append(Topic::Activity, call).await.unwrap();
            }
            drop(log);
            let path = segment(dir.path(), 0);
            let mut bytes = fs::read(&path).unwrap();
            let durable: usize = acknowledged.iter().sum();
            let torn = calls_of(&unfinished, durable);
            let mut group = group_bytes(&torn, durable as u64, bytes.len() as u64);
            befall(&mut group, &fate);
            bytes.extend(group);
            fs::write(&path, bytes).unwrap();

            let log = open(dir.path()).unwrap();
            let read = read_all(&log, "g").await;
            let offsets: Vec<u64> = read.iter().map(|one| one.place.offset).collect();
            prop_assert_eq!(offsets, (0..read.len() as u64).collect::<Vec<_>>());
            let expected: Vec<String> = (0..read.len()).map(|n| n.to_string()).collect();
            prop_assert_eq!(values(&read), expected);
            let whole_calls = unfinished.iter().scan(durable, |sum, size| {
                *sum += size;
                Some(*sum)
            });
            prop_assert!(
                std::iter::once(durable).chain(whole_calls).any(|sum| sum == read.len()),
                "{} records are not a whole number of calls", read.len()
            );
            log.append(Topic::Activity, vec![record("next")]).await.unwrap();
            prop_assert_eq!(read_all(&log, "h").await.len(), read.len() + 1);
            Ok(())
        })?;
    }
}
