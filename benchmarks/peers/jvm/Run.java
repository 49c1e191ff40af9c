package jvm;

import com.alibaba.fastjson2.JSON;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;

/** One pass over the topic: its clock, and the windows that came out. */
public final class Run {
    public static final String SENTINEL = "sentinel";
    private static final OperatingSystemMXBean PROCESS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private final CountDownLatch done = new CountDownLatch(1);
    private final Map<String, Object[]> windows = new TreeMap<>();
    private long left;
    private long began;
    private long beganCpu;
    private double wallSeconds;
    private double cpuSeconds;

    /** A pass is done when {@code counted} events are in closed windows. */
    public Run(long counted) {
        left = counted;
    }

    /** Partitions are assigned; later calls do nothing. */
    public synchronized void begin() {
        if (began == 0) {
            began = System.nanoTime();
            beganCpu = PROCESS.getProcessCpuTime();
        }
    }

    /** A window is closed. A series is service, name and labels, as the key of its records is. */
    public synchronized void closed(String series, long startMs, Window window) {
        if (series.startsWith(SENTINEL)) {
            return;
        }
        int serviceEnd = series.indexOf(' ');
        int nameEnd = series.indexOf(' ', serviceEnd + 1);
        String name = series.substring(0, nameEnd < 0 ? series.length() : nameEnd).replace('.', '_');
        Object[] found = {window.count, window.sum, window.min, window.max, window.p95()};
        if (windows.put(name + " " + startMs, found) != null) {
            throw new IllegalStateException(name + " " + startMs + " was closed twice");
        }
        left -= window.count;
        if (left == 0) {
            wallSeconds = (System.nanoTime() - began) / 1e9;
            cpuSeconds = (PROCESS.getProcessCpuTime() - beganCpu) / 1e9;
            done.countDown();
        }
    }

    /** Returns when the last window is out. */
    public void await() throws InterruptedException {
        done.await();
    }

    /** Whether the last window is out. */
    public boolean isDone() {
        return done.getCount() == 0;
    }

    /** Processor time from the beginning to the last window. */
    public double cpuSeconds() {
        return cpuSeconds;
    }

    /** Writes the windows, and prints what they took. */
    public void report(Path file, Map<String, String> versions) throws IOException {
        Files.write(file, JSON.toJSONBytes(windows));
        Map<String, Object> result = new TreeMap<>(Map.of(
                "wall_seconds", wallSeconds, "cpu_seconds", cpuSeconds, "rss_bytes", peakBytes(),
                "versions", new TreeMap<>(versions)));
        System.out.println(JSON.toJSONString(result));
    }

    private static long peakBytes() throws IOException {
        String line = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(each -> each.startsWith("VmHWM")).findFirst().orElseThrow();
        return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
    }
}
