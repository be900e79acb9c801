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

#[test]
fn a_record_is_written_as_serde_json_writes_it() {
    let odd = "a \"quoted\" \\ line\n\u{1f} ü \u{2028} \u{10ffff}".to_owned();
    let mut full = record();
    full.own = true;
    full.assurance = Assurance::Low;
    full.service = odd.clone();
    full.traceparent = None;
    full.received_at = DateTime::from_timestamp(253_402_300_800, 1).unwrap();
    let activity = &mut full.activity;
    activity.event_timestamp = DateTime::from_timestamp(1_700_000_000, 120_000);
    activity.log_timestamp = DateTime::from_timestamp(-1, 999_999_999);
    activity.actor_type = Some(crate::PartyType::External);
    activity.target_user_type = Some(crate::PartyType::Internal);
    activity.visibility = Some(crate::Visibility::Organization);
    for text in [
        &mut activity.tenant_id,
        &mut activity.event_name,
        &mut activity.actor_id,
        &mut activity.actor_name,
        &mut activity.actor_email,
        &mut activity.actor_role,
        &mut activity.actor_ip_address,
        &mut activity.file_download_url,
        &mut activity.object_type,
        &mut activity.object_name,
        &mut activity.object_path,
        &mut activity.from_email,
        &mut activity.target_user_email,
        &mut activity.target_user_id,
        &mut activity.role,
        &mut activity.shared_link,
    ] {
        *text = Some(odd.clone());
    }
    let sources = [
        FieldSource::Config,
        FieldSource::Enriched,
        FieldSource::Absent(odd.into()),
    ];
    for (field, source) in Field::ALL.into_iter().zip(sources) {
        full.provenance.set(field, source);
    }
    for record in [record(), full] {
        let expected = serde_json::to_string(&record).unwrap();
        assert_eq!(
            String::from_utf8(record.encode().to_vec()).unwrap(),
            expected
        );
    }
}
