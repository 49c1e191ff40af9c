package kafka_streams;

import org.apache.kafka.common.serialization.DoubleDeserializer;
import org.apache.kafka.common.serialization.DoubleSerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** One value, and the partition it came from, which is not sent along. */
record Observation(double value, int origin) {
    private static final DoubleSerializer TO_BYTES = new DoubleSerializer();
    private static final DoubleDeserializer FROM_BYTES = new DoubleDeserializer();

    static final Serde<Observation> SERDE = Serdes.serdeFrom(
            (topic, observation) -> TO_BYTES.serialize(topic, observation.value),
            (topic, bytes) -> new Observation(FROM_BYTES.deserialize(topic, bytes), -1));
}
