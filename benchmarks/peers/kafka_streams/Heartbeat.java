package kafka_streams;

import java.time.Duration;
import jvm.Event;
import jvm.Run;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/**
 * Repeats the sentinel of a partition every second, once it has come: the DSL closes windows at most once a second, and
 * only when a record comes.
 */
final class Heartbeat extends ContextualFixedKeyProcessor<String, Event, Event> {
    private static final Duration EVERY = Duration.ofSeconds(1);

    private FixedKeyRecord<String, Event> sentinel;

    @Override
    public void init(FixedKeyProcessorContext<String, Event> context) {
        super.init(context);
        context.schedule(EVERY, PunctuationType.WALL_CLOCK_TIME, now -> {
            if (sentinel != null) {
                context.forward(sentinel);
            }
        });
    }

    @Override
    public void process(FixedKeyRecord<String, Event> record) {
        if (record.key().startsWith(Run.SENTINEL)) {
            sentinel = record;
        }
        context().forward(record);
    }
}
