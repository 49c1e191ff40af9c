package flink;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import jvm.Run;
import jvm.Task;
import jvm.Window;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;

/** Flink's local cluster with one slot, checkpoints on; a job for each pass. */
public final class Main {
    private static final Duration CHECKPOINTS = Duration.ofSeconds(10);

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Task task = Task.of(arguments);
        Map<String, String> versions =
                Map.of("flink", EnvironmentInformation.getVersion(), "java", Runtime.version().toString());
        task.run(run -> process(task, run), versions);
    }

    private static void process(Task task, Run run) throws Exception {
        Path directory = Files.createTempDirectory("flink-");
        Closed.run = run;
        JobClient job = job(task, directory).executeAsync();
        job.getJobExecutionResult().whenComplete((result, error) -> {
            if (!run.isDone()) {
                error.printStackTrace();
                Runtime.getRuntime().halt(1);
            }
        });
        run.await();
        job.cancel().get();
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        }
    }

    private static StreamExecutionEnvironment job(Task task, Path directory) {
        Configuration configuration = new Configuration();
        configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, CHECKPOINTS);
        configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, directory.toUri().toString());
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
        int parallelism = Integer.parseInt(task.variant());
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.createLocalEnvironment(parallelism, configuration);
        environment.getConfig().enableObjectReuse();
        KafkaSource<Reading> source = KafkaSource.<Reading>builder()
                .setBootstrapServers(task.bootstrapServers())
                .setTopics(task.topic())
                .setGroupId("flink-" + UUID.randomUUID())
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setDeserializer(new Decoder())
                .build();
        WatermarkStrategy<Reading> inOrder = WatermarkStrategy
                .<Reading>forBoundedOutOfOrderness(Duration.ofMillis(Window.LATENESS_MS))
                .withTimestampAssigner((reading, ignored) -> reading.timeMs);
        environment.fromSource(source, inOrder, "events")
                .keyBy(reading -> reading.series)
                .window(TumblingEventTimeWindows.of(Duration.ofMillis(Window.SIZE_MS)))
                .aggregate(new Folding(), new Closed())
                .sinkTo(new DiscardingSink<>());
        return environment;
    }
}
