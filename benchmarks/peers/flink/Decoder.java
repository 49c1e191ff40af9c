package flink;

import jvm.Event;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;

/** From a record's value. Opened when the source is, just before its first fetch. */
final class Decoder extends AbstractDeserializationSchema<Reading> {
    @Override
    public void open(InitializationContext context) {
        Closed.run.begin();
    }

    @Override
    public Reading deserialize(byte[] json) {
        Event event = Event.decode(json);
        return new Reading(event.series(), event.timeMs(), event.data.value);
    }
}
