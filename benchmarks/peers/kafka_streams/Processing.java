package kafka_streams;

import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import jvm.Event;
import jvm.Run;
import jvm.Task;
import jvm.Window;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/**
 * The Processor API, for what the DSL cannot be told: all events of a series are in one partition already, so that
 * none need go through a repartition topic. Punctuations by stream time close the windows.
 */
final class Processing implements Processor<byte[], Event, Windowed<String>, Window> {
    private static final String STORE = "windows";
    private static final Duration RETENTION = Duration.ofMinutes(2);
    private static final Duration EVERY = Duration.ofSeconds(1);

    private ProcessorContext<Windowed<String>, Window> context;
    private WindowStore<String, Window> store;
    private long closedUntil;

    static Topology topology(Task task, Run run) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(task.topic(), Formats.events())
                .process(new Supplier())
                .foreach((key, window) -> run.closed(key.key(), key.window().start(), window));
        return builder.build();
    }

    private static final class Supplier implements ProcessorSupplier<byte[], Event, Windowed<String>, Window> {
        @Override
        public Processor<byte[], Event, Windowed<String>, Window> get() {
            return new Processing();
        }

        @Override
        public Set<StoreBuilder<?>> stores() {
            Duration size = Duration.ofMillis(Window.SIZE_MS);
            return Set.of(Stores.windowStoreBuilder(
                            Stores.inMemoryWindowStore(STORE, RETENTION, size, false), Serdes.String(), Formats.WINDOW)
                    .withCachingEnabled());
        }
    }

    @Override
    public void init(ProcessorContext<Windowed<String>, Window> given) {
        context = given;
        store = given.getStateStore(STORE);
        given.schedule(EVERY, PunctuationType.STREAM_TIME, this::close);
    }

    @Override
    public void process(Record<byte[], Event> record) {
        long start = Window.start(record.timestamp());
        if (start < closedUntil) {
            return;
        }
        String series = record.value().series();
        Window window = store.fetch(series, start);
        store.put(series, (window == null ? new Window() : window).add(record.value().data.value), start);
    }

    private void close(long streamTime) {
        long until = Window.start(streamTime - Window.LATENESS_MS);
        if (until <= closedUntil) {
            return;
        }
        Instant last = Instant.ofEpochMilli(until - 1);
        try (KeyValueIterator<Windowed<String>, Window> windows =
                store.fetchAll(Instant.ofEpochMilli(closedUntil), last)) {
            while (windows.hasNext()) {
                KeyValue<Windowed<String>, Window> next = windows.next();
                context.forward(new Record<>(next.key, next.value, next.key.window().end()));
            }
        }
        closedUntil = until;
    }
}
