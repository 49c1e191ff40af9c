package kafka_streams;

import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import jvm.Run;
import jvm.Task;
import jvm.Window;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.TimeWindows;

/**
 * The DSL: a new key means a repartition topic. What comes from one partition stays together there, so that stream
 * time is that of one partition and half a second of grace is enough, as for everyone else.
 */
final class Dsl {
    private Dsl() {}

    static Topology topology(Task task, Run run) {
        Duration size = Duration.ofMillis(Window.SIZE_MS);
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(task.topic(), Formats.events())
                .process(Keyed::new)
                .repartition(Repartitioned.with(Serdes.String(), Observation.SERDE)
                        .withStreamPartitioner((topic, series, observation, partitions) ->
                                Optional.of(Set.of(observation.origin()))))
                .groupByKey(Grouped.with(Serdes.String(), Observation.SERDE))
                .windowedBy(TimeWindows.ofSizeAndGrace(size, Duration.ofMillis(Window.LATENESS_MS)))
                .emitStrategy(EmitStrategy.onWindowClose())
                .aggregate(
                        Window::new,
                        (series, observation, window) -> window.add(observation.value()),
                        Materialized.with(Serdes.String(), Formats.WINDOW))
                .toStream()
                .foreach((key, window) -> run.closed(key.key(), key.window().start(), window));
        return builder.build();
    }
}
