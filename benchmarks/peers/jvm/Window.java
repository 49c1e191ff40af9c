package jvm;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * A window of one series: count, sum, min, max, and an exponential histogram of 64 buckets a doubling, sparse and in
 * order. Values are above zero, as all of the benchmark's are.
 */
public final class Window {
    public static final long SIZE_MS = 10_000;
    public static final long LATENESS_MS = 500;

    private static final int PER_DOUBLING = 64;
    private static final int HEADER = Integer.BYTES + 3 * Double.BYTES;
    private static final int BUCKET = Short.BYTES + Integer.BYTES;

    public int count;
    public double sum;
    public double min = Double.POSITIVE_INFINITY;
    public double max = Double.NEGATIVE_INFINITY;
    private int buckets;
    private short[] indexes = new short[16];
    private int[] counts = new int[16];

    /** Start of the window that a time falls into. */
    public static long start(long timeMs) {
        return timeMs - timeMs % SIZE_MS;
    }

    /** Adds one value. */
    public Window add(double value) {
        count += 1;
        sum += value;
        min = Math.min(min, value);
        max = Math.max(max, value);
        add((short) (Math.ceil(Math.log(value) / Math.log(2) * PER_DOUBLING) - 1), 1);
        return this;
    }

    /** Adds all that is in another window. */
    public Window merge(Window other) {
        count += other.count;
        sum += other.sum;
        min = Math.min(min, other.min);
        max = Math.max(max, other.max);
        for (int i = 0; i < other.buckets; i++) {
            add(other.indexes[i], other.counts[i]);
        }
        return this;
    }

    private void add(short index, int times) {
        int at = Arrays.binarySearch(indexes, 0, buckets, index);
        if (at >= 0) {
            counts[at] += times;
            return;
        }
        at = -at - 1;
        if (buckets == indexes.length) {
            indexes = Arrays.copyOf(indexes, 2 * buckets);
            counts = Arrays.copyOf(counts, 2 * buckets);
        }
        System.arraycopy(indexes, at, indexes, at + 1, buckets - at);
        System.arraycopy(counts, at, counts, at + 1, buckets - at);
        indexes[at] = index;
        counts[at] = times;
        buckets++;
    }

    /** The 95th percentile by nearest rank: the midpoint of its bucket, kept within the extremes. */
    public double p95() {
        long seen = 0;
        int at = -1;
        while (seen < 0.95 * count) {
            seen += counts[++at];
        }
        double low = Math.pow(2, indexes[at] / (double) PER_DOUBLING);
        double high = Math.pow(2, (indexes[at] + 1) / (double) PER_DOUBLING);
        return Math.min(Math.max((low + high) / 2, min), max);
    }

    /** As bytes, for a store. */
    public byte[] encode() {
        byte[] bytes = new byte[HEADER + buckets * BUCKET];
        ByteBuffer buffer = ByteBuffer.wrap(bytes).putInt(count).putDouble(sum).putDouble(min).putDouble(max);
        buffer.asShortBuffer().put(indexes, 0, buckets);
        buffer.position(HEADER + buckets * Short.BYTES).asIntBuffer().put(counts, 0, buckets);
        return bytes;
    }

    /** From bytes. */
    public static Window decode(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        Window window = new Window();
        window.count = buffer.getInt();
        window.sum = buffer.getDouble();
        window.min = buffer.getDouble();
        window.max = buffer.getDouble();
        window.buckets = (bytes.length - HEADER) / BUCKET;
        window.indexes = new short[window.buckets + 1];
        window.counts = new int[window.buckets + 1];
        buffer.asShortBuffer().get(window.indexes, 0, window.buckets);
        buffer.position(HEADER + window.buckets * Short.BYTES).asIntBuffer().get(window.counts, 0, window.buckets);
        return window;
    }
}
