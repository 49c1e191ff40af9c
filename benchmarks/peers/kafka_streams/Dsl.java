package kafka_streams;

import java.time.Duration;
import jvm.Run;
import jvm.Task;
import jvm.Window;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.TimeWindows;

/** The DSL. Records have their series as key, so that no repartition topic is needed. */
final class Dsl {
    private Dsl() {}

    static Topology topology(Task task, Run run) {
        Duration size = Duration.ofMillis(Window.SIZE_MS);
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(task.topic(), Formats.events())
                .processValues(Heartbeat::new)
                .groupByKey(Grouped.with(Serdes.String(), Formats.EVENT))
                .windowedBy(TimeWindows.ofSizeAndGrace(size, Duration.ofMillis(Window.LATENESS_MS)))
                .emitStrategy(EmitStrategy.onWindowClose())
                .aggregate(
                        Window::new,
                        (series, event, window) -> window.add(event.data.value),
                        Materialized.with(Serdes.String(), Formats.WINDOW))
                .toStream()
                .foreach((key, window) -> run.closed(key.key(), key.window().start(), window));
        return builder.build();
    }
}
