use super::*;
use crate::activity::EventType;
use crate::field::{Field, FieldSource};
use crate::ids::EventId;

fn record() -> ActivityRecord {
    let at = DateTime::from_timestamp_millis(1_700_000_000_123).unwrap();
    let mut activity = Activity::bare(EventId::new("evt_1").unwrap(), EventType::Sharing);
    activity.object_id = Some("f_1".into());
    let mut provenance = Provenance::absent("the service does not send it");
    provenance.set(Field::EventId, FieldSource::Native);
    provenance.set(Field::EventType, FieldSource::Derived);
    provenance.set(Field::ObjectId, FieldSource::Native);
    ActivityRecord {
        v: WIRE_VERSION,
        connection_id: ConnectionId::new(at, 1),
        service: "toy-cloud".into(),
        arrival: Arrival::Push,
        received_at: at,
        own: false,
        assurance: Assurance::Signed,
        traceparent: Some(
            TraceContext {
                trace_id: 1,
                span_id: 2,
                sampled: true,
            }
            .traceparent(),
        ),
        activity,
        provenance,
        raw: RawValue::from_string("{ \"id\" : \"evt_1\", \"n\": 1.50 }".into()).unwrap(),
    }
}

#[test]
fn a_record_survives_the_wire_with_its_payload_byte_for_byte() {
    let given = record();
    let read = ActivityRecord::decode(&given.encode()).unwrap();
    assert_eq!(read.raw.get(), given.raw.get());
    assert_eq!(read.activity, given.activity);
    assert_eq!(read.provenance, given.provenance);
}

#[test]
fn the_wire_format_is_what_was_promised() {
    insta::assert_json_snapshot!(
        serde_json::from_slice::<serde_json::Value>(&record().encode()).unwrap()
    );
}

#[test]
fn an_unknown_field_is_ignored_and_another_version_is_refused_by_name() {
    let mut json: serde_json::Value = serde_json::from_slice(&record().encode()).unwrap();
    json["a_newer_field"] = 1.into();
    assert!(ActivityRecord::decode(json.to_string().as_bytes()).is_ok());
    let refused = ActivityRecord::decode(br#"{"v":2,"shape":"unknown"}"#).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the record has wire version 2, this program reads version 1"
    );
    assert!(matches!(
        ActivityRecord::decode(b"{"),
        Err(RecordError::Malformed(_))
    ));
}

#[test]
fn an_old_record_without_the_optional_fields_is_read() {
    let mut json: serde_json::Value = serde_json::from_slice(&record().encode()).unwrap();
    json.as_object_mut().unwrap().remove("own");
    json.as_object_mut().unwrap().remove("traceparent");
    assert!(
        !ActivityRecord::decode(json.to_string().as_bytes())
            .unwrap()
            .own
    );
}

#[test]
fn a_traceparent_is_read_only_when_well_formed() {
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(TraceContext::parse(given).unwrap().traceparent(), given);
    for bad in [
        "",
        "00",
        "00-0-0-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    ] {
        assert_eq!(TraceContext::parse(bad), None, "{bad}");
    }
}
