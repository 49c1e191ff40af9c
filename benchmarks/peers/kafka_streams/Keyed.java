package kafka_streams;

import java.time.Duration;
import jvm.Event;
import jvm.Run;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/**
 * Events by series. A heartbeat of each partition, every second, repeats its stream time: the DSL closes windows at
 * most once a second, and only when a record comes.
 */
final class Keyed extends ContextualProcessor<byte[], Event, String, Observation> {
    private static final Duration HEARTBEAT = Duration.ofSeconds(1);

    @Override
    public void init(ProcessorContext<String, Observation> context) {
        super.init(context);
        Observation nothing = new Observation(0, context.taskId().partition());
        context.schedule(HEARTBEAT, PunctuationType.WALL_CLOCK_TIME, now -> {
            long streamTime = context.currentStreamTimeMs();
            if (streamTime >= 0) {
                context.forward(new Record<>(Run.SENTINEL, nothing, streamTime));
            }
        });
    }

    @Override
    public void process(Record<byte[], Event> record) {
        Event event = record.value();
        Observation observation = new Observation(event.data.value, context().taskId().partition());
        context().forward(new Record<>(event.series(), observation, record.timestamp()));
    }
}
