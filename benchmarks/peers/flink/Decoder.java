package flink;

import java.nio.charset.StandardCharsets;
import jvm.Event;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** From a record, whose key is the series. Opened when the source is, just before its first fetch. */
final class Decoder implements KafkaRecordDeserializationSchema<Reading> {
    @Override
    public void open(DeserializationSchema.InitializationContext context) {
        Closed.run.begin();
    }

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Reading> out) {
        Event event = Event.decode(record.value());
        String series = new String(record.key(), StandardCharsets.UTF_8);
        out.collect(new Reading(series, event.timeMs(), event.data.value));
    }

    @Override
    public TypeInformation<Reading> getProducedType() {
        return TypeInformation.of(Reading.class);
    }
}
