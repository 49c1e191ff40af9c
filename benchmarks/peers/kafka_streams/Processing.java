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
 * The Processor API, for what the DSL has not: a cache in front of the store, so that windows go to its changelog once
 * a commit rather than once an event. Punctuations by stream time close them.
 */
final class Processing implements Processor<String, Event, Windowed<String>, Window> {
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

    private static final class Supplier implements ProcessorSupplier<String, Event, Windowed<String>, Window> {
        @Override
        public Processor<String, Event, Windowed<String>, Window> get() {
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
    public void process(Record<String, Event> record) {
        long start = Window.start(record.timestamp());
        if (start < closedUntil) {
            return;
        }
        String series = record.key();
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
