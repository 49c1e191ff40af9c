package kafka_streams;

import jvm.Event;
import jvm.Window;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.kstream.Consumed;

/** How events are read, and windows stored. */
final class Formats {
    static final Serde<Event> EVENT = Serdes.serdeFrom(
            (topic, event) -> {
                throw new UnsupportedOperationException("events are only read");
            },
            (topic, json) -> Event.decode(json));

    static final Serde<Window> WINDOW = Serdes.serdeFrom(
            (topic, window) -> window == null ? null : window.encode(),
            (topic, bytes) -> bytes == null ? null : Window.decode(bytes));

    /** Event time is in the value. */
    static long time(ConsumerRecord<Object, Object> record, long partitionTime) {
        return ((Event) record.value()).timeMs();
    }

    static Consumed<String, Event> events() {
        return Consumed.with(Serdes.String(), EVENT).withTimestampExtractor(Formats::time);
    }

    private Formats() {}
}
