package kafka_streams;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.stream.Stream;
import jvm.Run;
import jvm.Task;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;

/** One instance of Kafka Streams with one thread; the variant is {@code dsl} or {@code processor}. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Task task = Task.of(arguments);
        Map<String, String> versions =
                Map.of("kafka-streams", AppInfoParser.getVersion(), "java", Runtime.version().toString());
        task.run(run -> process(task, run), versions);
    }

    private static void process(Task task, Run run) throws Exception {
        Topology topology = task.variant().equals("dsl") ? Dsl.topology(task, run) : Processing.topology(task, run);
        Path directory = Files.createTempDirectory("kafka-streams-");
        try (KafkaStreams streams = new KafkaStreams(topology, properties(task, directory))) {
            streams.setStateListener((now, before) -> {
                if (now == KafkaStreams.State.RUNNING) {
                    run.begin();
                }
            });
            streams.setUncaughtExceptionHandler(error -> {
                error.printStackTrace();
                Runtime.getRuntime().halt(1);
                return null;
            });
            streams.start();
            run.await();
        }
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        }
    }

    private static Properties properties(Task task, Path directory) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "kafka-streams-" + UUID.randomUUID());
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, task.bootstrapServers());
        properties.put(StreamsConfig.STATE_DIR_CONFIG, directory.toString());
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(
                StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG,
                BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers.class);
        return properties;
    }
}
